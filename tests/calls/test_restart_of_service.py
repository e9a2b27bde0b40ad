"""kill -9 of the service at every moment of a call: afterwards it knows the same calls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.calls.live_calls import (
    extensions,
    statuses,
    wait_no_calls,
    wait_only_call,
    wait_statuses,
)
from tests.calls.proxied_lab import ProxiedLab, open_proxied_lab
from tests.calls.records_on_disk import assert_ended_once, final_records, wait_on_disk
from tests.lab.api_client import ApiClient
from tests.lab.running_lab import RunningLab
from tests.softphones.sipp_behaviour import answers, rings

pytestmark = pytest.mark.asyncio(loop_scope="session")

# An accepted call without a channel is given up this long after its creation.
GRACE_S = 10


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def proxied(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProxiedLab]:
    async with open_proxied_lab(tmp_path_factory.mktemp("restart")) as lab:
        yield lab


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(proxied: ProxiedLab) -> RunningLab:
    return proxied.lab


@pytest_asyncio.fixture(loop_scope="session")
async def api(proxied: ProxiedLab) -> AsyncIterator[ApiClient]:
    async with proxied.lab.client() as client:
        await client.authenticate()
        yield client
        await proxied.restore()
        await client.hang_up()
        await wait_no_calls(client)


async def kill_and_start(lab: RunningLab) -> None:
    await lab.bridge.kill()
    await lab.bridge.start()


def lasting(call: Any) -> dict[str, Any]:
    """What must be the same after a restart."""
    views = call["phoneCallView"]
    return {
        **{k: v for k, v in call.items() if k not in ("phoneCallView", "answered")},
        "views": [
            {k: x.get(k) for k in ("id", "extension", "source", "destination", "flow", "status")}
            for x in views
        ],
        "callerIds": [x.get("callerId") for x in views],
    }


@pytest.mark.parametrize("sources", [["210"], ["210", "0003*213"]], ids=["one", "two"])
@pytest.mark.parametrize("state", ["source rings", "destination rings", "talk"])
async def test_given_call_of_api_when_service_is_killed_then_it_is_the_same_and_delete_ends_it(
    lab: RunningLab, api: ApiClient, state: str, sources: list[str]
) -> None:
    async with (
        lab.phone("0003*210") as alice,
        lab.scripted("0003*213", rings()) as dave,
        lab.phone("0003*211") as bob,
    ):
        call_id = await api.place(
            sources,
            ["211"],
            extension="212",
            body={"nonce": "n-7"},
            view={"callerId": "Ján <777>", "callerIdDestination": "Eva <888>"},
        )
        await alice.wait_ringing()
        wanted = [3] * len(sources) + [0]
        if state != "source rings":
            await alice.accept()
            await bob.wait_ringing()
            wanted = [4, 3]
        if state == "talk":
            await bob.accept()
            wanted = [5, 5]
        before = await wait_statuses(api, call_id, *wanted)

        await kill_and_start(lab)

        # The token still holds, too: the client has not asked for another.
        after = await wait_statuses(api, call_id, *wanted)
        assert lasting(after) == lasting(before)
        assert after["extension"] == "212"
        assert [x["id"] for x in await api.calls("212")] == [call_id]
        assert alice.incoming_invites == 1
        assert (await api.hang_up("212", call_id)).json == [{"id": call_id}]
        record = await api.wait_ended(call_id)
        assert record["endedBy"] == "api"
        assert record["disposition"] == (0 if state == "talk" else 3)
        assert record["nonce"] == "n-7"
        for phone in (alice, dave, bob):
            for dialog in phone.log.dialogs:
                await phone.wait_closed(call=dialog)
        assert_ended_once(lab, call_id)


async def test_given_call_rings_when_service_is_killed_then_phones_go_on_and_record_is_right(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as alice, lab.phone("0003*211", answer="auto") as bob:
        call_id = await api.place(["210"], ["211"])
        await alice.wait_ringing()
        await lab.bridge.kill()
        await alice.accept()
        await bob.wait_established()
        await lab.bridge.start()
        await wait_statuses(api, call_id, 5, 5)
        await bob.hangup()
        record = await api.wait_ended(call_id)
        assert (record["disposition"], record["endedBy"]) == (0, "destination")
        assert_ended_once(lab, call_id)


async def test_given_phone_dialled_and_trunk_calls_when_service_is_killed_then_ids_stay(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210") as alice,
        lab.phone("0003*211", answer="auto"),
        lab.phone("0003*212") as carol,
    ):
        await alice.dial("211")
        dialled = await wait_only_call(api, "210", lambda x: statuses(x) == [5, 5])
        await lab.asterisk.call_in("5550003212", caller_number="3235550177")
        await carol.wait_ringing()
        incoming = await wait_only_call(api, "212", lambda x: statuses(x) == [4, 3])
        await wait_on_disk(lab, incoming["id"])

        await kill_and_start(lab)

        again = await wait_only_call(api, "210", lambda x: statuses(x) == [5, 5])
        assert lasting(again) == lasting(dialled)
        again = await wait_only_call(api, "212", lambda x: statuses(x) == [4, 3])
        assert lasting(again) == lasting(incoming)
        assert extensions(again) == [None, "212"]
        await carol.accept()
        await wait_statuses(api, incoming["id"], 5, 5)
        for call, phone in ((dialled, alice), (incoming, carol)):
            assert (await api.hang_up("@self", call["id"])).json == [{"id": call["id"]}]
            await phone.wait_closed()
            assert (await api.wait_ended(call["id"]))["endedBy"] == "api"
            assert_ended_once(lab, call["id"])


async def test_given_call_ends_while_service_is_dead_when_it_is_back_then_record_has_the_window(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210", answer="auto") as alice:
        call_id = await api.place(["210"], ["3235550201"])
        await wait_statuses(api, call_id, 5, 5)
        await wait_on_disk(lab, call_id, answered=True)
        await lab.bridge.kill()
        killed_ms = int(time.time() * 1000)
        await alice.hangup()
        await alice.wait_closed()
        await lab.bridge.start()
        record = await api.wait_ended(call_id)
        assert (record["reason"], record["disposition"]) == ("lost while disconnected", 0)
        (final,) = final_records(lab, call_id)
        assert final["not_before_ms"] <= killed_ms <= final["at_ms"]
        assert_ended_once(lab, call_id)
        # It stays that record after another restart.
        await kill_and_start(lab)
        assert final_records(lab, call_id) == [final]
        assert await api.call(call_id) is None


async def test_given_accepted_call_without_channel_when_service_is_killed_then_it_ends_once(
    proxied: ProxiedLab, lab: RunningLab, api: ApiClient
) -> None:
    async with lab.scripted("0003*210", rings()) as alice:
        proxied.ami.freeze_to_server()
        creating = asyncio.create_task(api.create(["210"], ["3235550201"], body={"nonce": "n-8"}))
        await proxied.ami.wait_held(b"Originate")
        (live,) = await api.calls("210")
        await lab.bridge.kill()
        proxied.ami.cut()  # the Originate is lost with the connection
        with pytest.raises(aiohttp.ClientError):
            await creating
        proxied.ami.thaw()
        await lab.bridge.start()
        assert [x["nonce"] for x in await api.calls("210", live["id"])] == ["n-8"]
        record = await api.wait_ended(live["id"], GRACE_S + 15)
        assert record["reason"] == "lost while disconnected"
        assert alice.incoming_invites == 0
        assert_ended_once(lab, live["id"])


async def test_given_delete_before_the_channel_when_service_is_killed_then_the_call_still_ends(
    proxied: ProxiedLab, lab: RunningLab, api: ApiClient
) -> None:
    async with lab.scripted("0003*210", rings()) as alice:
        proxied.ami.freeze_to_server()
        creating = asyncio.create_task(api.create(["210"], ["3235550201"]))
        await proxied.ami.wait_held(b"Originate")
        (live,) = await api.calls("210")
        ended = await api.hang_up("210", live["id"])
        assert (ended.status, ended.json) == (200, [{"id": live["id"]}])
        await lab.bridge.kill()
        with pytest.raises(aiohttp.ClientError):
            await creating
        proxied.ami.thaw()  # only now the Originate reaches the PBX
        await alice.wait_ringing()
        await lab.bridge.start()
        await alice.wait_closed()
        record = await api.wait_ended(live["id"])
        assert (record["endedBy"], record["disposition"]) == ("api", 3)
        assert alice.incoming_invites == 1
        assert_ended_once(lab, live["id"])


async def test_given_stop_by_signal_when_calls_live_then_they_go_on_and_are_known_afterwards(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.scripted("0003*210", answers()) as alice:
        call_id = await api.place(["210"], ["3235550201"])
        before = await wait_statuses(api, call_id, 5, 5)
        await lab.bridge.stop()
        await lab.bridge.start()
        assert lasting(await api.call(call_id)) == lasting(before)
        assert not any(x.closed for x in alice.log.dialogs)


async def test_given_all_these_restarts_when_log_is_read_then_there_is_no_traceback(
    lab: RunningLab,
) -> None:
    assert "Traceback" not in lab.bridge.log_text()
    assert lab.bridge.log_lines("error") == []
