"""Calls that a phone hands on: what GET shows, how they end, and that DELETE still ends them."""

from __future__ import annotations

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.pbx.calls.live_calls import extensions, statuses, wait_no_calls, wait_only_call

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("by", ["source", "destination"])
async def test_given_blind_transfer_when_target_answers_then_call_goes_on_and_delete_ends_it(
    lab: RunningLab, api: ApiClient, by: str
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as alice,
        lab.phone("0003*211", answer="auto") as bob,
        lab.phone("0003*212") as carol,
    ):
        call_id = await api.place(["210"], ["211"])
        await api.wait_status(call_id, 5)
        await alice.wait_established()
        await bob.wait_established()
        leaves, stays = (alice, bob) if by == "source" else (bob, alice)
        stays_extension = "211" if by == "source" else "210"
        transfer = await leaves.transfer("212")
        assert 200 <= transfer.refer_status < 300
        await carol.wait_ringing()
        await api.wait_call(
            call_id,
            lambda x: (extensions(x), statuses(x)) == ([stays_extension, "212"], [4, 3]),
        )
        await carol.accept()
        talk = await api.wait_call(call_id, lambda x: statuses(x) == [5, 5])
        assert extensions(talk) == [stays_extension, "212"]
        assert [x["id"] for x in await api.calls("212")] == [call_id]

        ended = await api.hang_up("212")

        assert ended.json == [{"id": call_id}]
        await stays.wait_closed()
        await carol.wait_closed()
        record = await api.wait_ended(call_id)
        assert (record["endedBy"], record["disposition"]) == ("api", 0)
        await wait_no_calls(api)


@pytest.mark.parametrize("by", ["source", "destination"])
async def test_given_blind_transfer_when_target_rings_then_delete_ends_it(
    lab: RunningLab, api: ApiClient, by: str
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as alice,
        lab.phone("0003*211", answer="auto") as bob,
        lab.phone("0003*212") as carol,
    ):
        call_id = await api.place(["210"], ["211"])
        await api.wait_status(call_id, 5)
        await alice.wait_established()
        await bob.wait_established()
        leaves, stays = (alice, bob) if by == "source" else (bob, alice)
        await leaves.transfer("212")
        ringing = await carol.wait_ringing()

        assert (await api.hang_up("@self", call_id)).json == [{"id": call_id}]

        await carol.wait_closed(call=ringing)
        await stays.wait_closed()
        assert (await api.wait_ended(call_id))["endedBy"] == "api"
        await wait_no_calls(api)


async def test_given_dialled_call_transferred_blind_when_a_party_hangs_up_then_it_ends_once(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210") as alice,
        lab.phone("0003*211", answer="auto") as bob,
        lab.phone("0003*212", answer="auto") as carol,
    ):
        await alice.dial("211")
        call = await wait_only_call(api, "210", lambda x: statuses(x) == [5, 5])
        await alice.wait_established()
        await alice.transfer("212")
        await carol.wait_established()
        talk = await wait_only_call(
            api, "@self", lambda x: extensions(x) == ["0003*211", "0003*212"]
        )
        assert talk["id"] == call["id"]
        assert statuses(talk) == [5, 5]
        await carol.hangup()
        record = await api.wait_ended(call["id"])
        assert record["endedBy"] == "destination"
        await bob.wait_closed()
        await wait_no_calls(api)


async def test_given_attended_transfer_when_done_then_one_call_is_left_with_the_two_others(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", tone_hz=700) as alice,
        lab.phone("0003*211", answer="auto") as bob,
        lab.phone("0003*212", answer="auto") as carol,
    ):
        alice.answer = "auto"
        call_id = await api.place(["210"], ["211"])
        await api.wait_status(call_id, 5)
        first = await alice.wait_established()
        await bob.wait_established()
        await alice.hold(call=first)
        second = await alice.dial("212")
        await alice.wait_established(call=second)
        assert len(await api.calls("210")) == 2
        transfer = await alice.attended_transfer(first, second)
        assert transfer.carried_out
        talk = await wait_only_call(api, "@self", lambda x: len(extensions(x)) == 2)
        assert talk["id"] == call_id
        assert sorted(x[-3:] for x in extensions(talk) if x) == ["211", "212"]
        assert statuses(talk) == [5, 5]
        assert [x["id"] for x in await api.calls("211")] == [call_id]
        assert [x["id"] for x in await api.calls("212")] == [call_id]

        assert (await api.hang_up("212", call_id)).json == [{"id": call_id}]

        await bob.wait_closed()
        await carol.wait_closed()
        record = await api.wait_ended(call_id)
        assert (record["endedBy"], record["disposition"]) == ("api", 0)
        await wait_no_calls(api)
