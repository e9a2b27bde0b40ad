"""DELETE of one call ends it in every state it can be in, and no phone goes on ringing."""

from __future__ import annotations

import asyncio

import pytest

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.dialog_log import Dialog
from bridge.testing.softphones.phone_observer import PhoneObserver
from bridge.testing.softphones.sipp_behaviour import answers, rings
from tests.pbx.calls.live_calls import statuses, wait_no_calls, wait_only_call, wait_statuses

pytestmark = pytest.mark.asyncio(loop_scope="session")

RIGHT_AFTER_ROUNDS = 25


async def assert_silent(*phones: PhoneObserver) -> None:
    """Every call that was ever offered to the phones is over."""
    for phone in phones:
        for dialog in phone.log.dialogs:
            await phone.wait_closed(call=dialog)
        assert all(x.closed for x in phone.log.dialogs)


def was_cancelled(dialog: Dialog) -> bool:
    return dialog.close_reason == "CANCEL received" and not dialog.established


@pytest.mark.parametrize("sources", [["210"], ["210", "211"]], ids=["one source", "two sources"])
async def test_given_delete_right_after_202_when_repeated_then_no_phone_goes_on_ringing(
    lab: RunningLab, api: ApiClient, sources: list[str]
) -> None:
    async with lab.scripted("0003*210", rings()) as alice, lab.scripted("0003*211", rings()) as bob:
        ids = []
        for number in range(RIGHT_AFTER_ROUNDS):
            call_id = await api.place(sources, ["3235550201"])
            await asyncio.sleep(number % 5 * 0.004)  # before, while and after the channel is made
            ended = await api.hang_up("210", call_id)
            assert (ended.status, ended.json) == (200, [{"id": call_id}])
            ids.append(call_id)
        for call_id in ids:
            record = await api.wait_ended(call_id)
            assert (record["disposition"], record["endedBy"]) == (3, "api")
        await wait_no_calls(api)
        await assert_silent(alice, bob)
        assert all(was_cancelled(x) for phone in (alice, bob) for x in phone.log.incoming)
        # The phones still ring for a call that is wanted.
        offered = alice.incoming_invites
        last = await api.place(["210"], ["3235550201"])
        await api.wait_status(last, 3)
        # The service may know it before the phone's log has been read.
        await eventually(lambda: alice.incoming_invites == offered + 1)


async def test_given_source_rings_when_deleted_then_it_stops(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as alice:
        call_id = await api.place(["210"], ["211"])
        await alice.wait_ringing()
        ended = await api.hang_up("@self", call_id)
        assert (ended.status, ended.json) == (200, [{"id": call_id}])
        assert was_cancelled(await alice.wait_closed())
        await api.wait_ended(call_id)
        assert (await api.hang_up("@self", call_id)).status == 204


async def test_given_several_sources_ring_when_deleted_then_all_stop(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210") as alice,
        lab.phone("0003*211") as bob,
        lab.scripted("0003*212", rings()) as carol,
    ):
        call_id = await api.place(["210", "211", "212"], ["3235550201"])
        for phone in (alice, bob, carol):
            await phone.wait_ringing()
        assert (await api.hang_up("210", call_id)).json == [{"id": call_id}]
        for phone in (alice, bob, carol):
            assert was_cancelled(await phone.wait_closed())
        record = await api.wait_ended(call_id)
        assert (record["disposition"], record["endedBy"]) == (3, "api")


@pytest.mark.parametrize("sources", [["210"], ["210", "212"]], ids=["one source", "two sources"])
async def test_given_destinations_ring_when_deleted_then_they_stop_and_source_is_hung_up(
    lab: RunningLab, api: ApiClient, sources: list[str]
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as alice,
        lab.phone("0003*211") as bob,
        lab.scripted("0003*213", rings()) as dave,
        lab.scripted("0003*212", rings()),
    ):
        call_id = await api.place(sources, ["211", "213"])
        await bob.wait_ringing()
        await dave.wait_ringing()
        assert (await api.hang_up("211", call_id)).json == [{"id": call_id}]
        assert was_cancelled(await bob.wait_closed())
        assert was_cancelled(await dave.wait_closed())
        assert (await alice.wait_closed()).close_reason == "BYE received"
        assert (await api.wait_ended(call_id))["endedBy"] == "api"


async def test_given_forked_call_is_on_when_deleted_then_both_are_hung_up(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as alice,
        lab.scripted("0003*212", rings()),
        lab.phone("0003*211", answer="auto") as bob,
    ):
        call_id = await api.place(["210", "212"], ["211"])
        await wait_statuses(api, call_id, 5, 5)
        await alice.wait_established()
        assert (await api.hang_up("210", call_id)).json == [{"id": call_id}]
        for phone in (alice, bob):
            assert (await phone.wait_closed()).close_reason == "BYE received"


async def test_given_phone_dialled_call_when_deleted_ringing_or_answered_then_it_ends(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as alice, lab.phone("0003*211") as bob:
        dialled = await alice.dial("211")
        rang = await bob.wait_ringing()
        call = await wait_only_call(api, "210", lambda x: statuses(x) == [4, 3])
        assert (await api.hang_up("210", call["id"])).json == [{"id": call["id"]}]
        assert was_cancelled(await bob.wait_closed(call=rang))
        await alice.wait_closed(call=dialled)
        assert (await api.wait_ended(call["id"]))["endedBy"] == "api"

        dialled = await alice.dial("211")
        await bob.wait_ringing()
        await bob.accept()
        call = await wait_only_call(api, "211", lambda x: statuses(x) == [5, 5])
        assert (await api.hang_up("211", call["id"])).json == [{"id": call["id"]}]
        await alice.wait_closed(call=dialled)
        await bob.wait_closed()


async def test_given_call_from_trunk_when_deleted_ringing_or_answered_then_it_ends(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as alice:
        await lab.asterisk.call_in("5550003210")
        rang = await alice.wait_ringing()
        call = await wait_only_call(api, "210")
        assert (await api.hang_up("210", call["id"])).json == [{"id": call["id"]}]
        assert was_cancelled(await alice.wait_closed(call=rang))
        assert (await api.wait_ended(call["id"]))["endedBy"] == "api"

        await lab.asterisk.call_in("5550003210")
        await alice.wait_ringing()
        await alice.accept()
        call = await wait_only_call(api, "210", lambda x: statuses(x) == [5, 5])
        assert (await api.hang_up("@self", call["id"])).json == [{"id": call["id"]}]
        await alice.wait_closed()
        await wait_no_calls(api)


async def test_given_two_deletes_at_once_when_sent_many_times_then_one_is_200_and_one_204(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.scripted("0003*210", answers(ring_ms=30)):
        for number in range(8):
            call_id = await api.place(["210"], ["3235550201"])
            if number % 2:
                await wait_statuses(api, call_id, 5, 5)
            both = await asyncio.gather(*(api.hang_up("210", call_id) for _ in range(2)))
            assert sorted(x.status for x in both) == [200, 204]
            await api.wait_ended(call_id)
