"""kill -9 of the service at every moment of a call: afterwards it knows the same calls."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import answers, refuses, rings
from tests.pbx.calls.live_calls import (
    extensions,
    statuses,
    wait_no_calls,
    wait_only_call,
    wait_statuses,
)
from tests.pbx.calls.proxied_lab import ProxiedLab, client_of, open_proxied_lab
from tests.pbx.calls.records_on_disk import (
    assert_ended_once,
    final_records,
    wait_kept,
    wait_on_disk,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

# A call that the PBX has no channel of ends about a second after the first list, at the latest. The
# grace time of an accepted call, 10 s, does not begin anew.
SOON_S = 5

_TOLD_ANEW = ("phoneCallView", "answered", "ringingMs", "answeredMs")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def proxied(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProxiedLab]:
    async with open_proxied_lab(tmp_path_factory.mktemp("restart")) as lab:
        yield lab


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(proxied: ProxiedLab) -> RunningLab:
    return proxied.lab


@pytest_asyncio.fixture(loop_scope="session")
async def api(proxied: ProxiedLab) -> AsyncIterator[ApiClient]:
    async with client_of(proxied) as client:
        yield client


async def kill_and_start(lab: RunningLab) -> None:
    await lab.bridge.kill()
    await lab.bridge.start()


def lasting(call: Any) -> dict[str, Any]:
    """What must be the same after a kill. The moment of a change may be that of the first list."""
    views = call["phoneCallView"]
    return {
        **{k: v for k, v in call.items() if k not in _TOLD_ANEW},
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
        # One form for all: short where the app wrote every number short.
        assert after["extension"] == ("212" if len(sources) == 1 else "0003*212")
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


async def test_given_phone_holds_when_service_is_killed_then_it_still_holds_and_resumes(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210", answer="auto"), lab.phone("0003*211", answer="auto") as bob:
        call_id = await api.place(["210"], ["211"])
        await api.wait_status(call_id, 5)
        await bob.wait_established()
        await bob.hold()
        await api.wait_call(call_id, lambda x: "onHold" in x["phoneCallView"][1])
        await wait_kept(lab, call_id, lambda legs: legs[1]["on_hold_ms"] is not None)
        await kill_and_start(lab)
        held = await api.call(call_id)
        assert [x["holder"] for x in held["phoneCallView"]] == [0, 1]
        await bob.resume()
        await api.wait_call(call_id, lambda x: "onHold" not in x["phoneCallView"][1])
        await wait_kept(lab, call_id, lambda legs: legs[1]["on_hold_ms"] is None)
        await kill_and_start(lab)
        resumed = await api.call(call_id)
        assert all("onHold" not in x for x in resumed["phoneCallView"])
        await bob.hangup()
        await api.wait_ended(call_id)


async def test_given_one_phone_has_refused_when_service_is_killed_then_its_view_still_says_so(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto"),
        lab.scripted("0003*211", refuses(486, "Busy Here", ring_ms=100)),
        lab.phone("0003*212") as carol,
    ):
        call_id = await api.place(["210"], ["211", "212"])
        await carol.wait_ringing()
        await api.wait_call(call_id, lambda x: len(x["phoneCallView"]) == 2)
        await wait_kept(lab, call_id, lambda legs: legs[1]["sip_code"] == 486)
        await kill_and_start(lab)
        await carol.accept()
        await wait_statuses(api, call_id, 5, 5)
        await carol.hangup()
        record = await api.wait_ended(call_id)
        assert [x["disposition"] for x in record["phoneCallView"]] == [0, 1, 0]


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
        key = {"Idempotency-Key": "killed"}
        body = {"nonce": "n-8"}
        created = await api.create(["210"], ["3235550201"], body=body, headers=key)
        (live,) = await api.calls("210")
        assert created.json[0]["id"] == live["id"]
        await lab.bridge.kill()
        await proxied.ami.wait_held(b"Originate")
        proxied.ami.cut()  # the Originate is lost with the connection
        proxied.ami.thaw()
        await lab.bridge.start()
        again = await api.create(["210"], ["3235550201"], body=body, headers=key)
        assert (again.status, again.text) == (created.status, created.text)
        record = await api.wait_ended(live["id"], SOON_S)
        assert (record["reason"], record["nonce"]) == ("lost while disconnected", "n-8")
        assert alice.incoming_invites == 0
        assert_ended_once(lab, live["id"])


async def test_given_delete_before_the_channel_when_service_is_killed_then_the_call_still_ends(
    proxied: ProxiedLab, lab: RunningLab, api: ApiClient
) -> None:
    async with lab.scripted("0003*210", rings()) as alice:
        proxied.ami.freeze_to_server()
        call_id = await api.place(["210"], ["3235550201"])
        await proxied.ami.wait_held(b"Originate")
        (live,) = await api.calls("210")
        ended = await api.hang_up("210", call_id)
        assert (ended.status, ended.json) == (200, [{"id": live["id"]}])
        await lab.bridge.kill()
        proxied.ami.thaw()  # only now the Originate reaches the PBX
        await alice.wait_ringing()
        await lab.bridge.start()
        await alice.wait_closed()
        record = await api.wait_ended(live["id"])
        assert (record["endedBy"], record["disposition"]) == ("api", 3)
        assert alice.incoming_invites == 1
        assert_ended_once(lab, live["id"])


@pytest.mark.parametrize("killed", ["once", "twice"])
async def test_given_source_refuses_while_service_is_dead_when_it_is_back_then_call_is_not_listed(
    lab: RunningLab, api: ApiClient, killed: str
) -> None:
    async with lab.scripted("0003*210", refuses(486, "Busy Here", ring_ms=1500)) as alice:
        call_id = await api.place(["210"], ["3235550201"])
        await alice.wait_ringing()
        await lab.bridge.kill()
        await alice.wait_closed()
        if killed == "twice":
            await lab.bridge.start()
            await lab.bridge.kill()
        await lab.bridge.start()
        await wait_no_calls(api, "210", SOON_S)
        assert (await api.wait_ended(call_id))["reason"] == "lost while disconnected"
        assert_ended_once(lab, call_id)


async def test_given_delete_of_a_call_without_channel_when_answered_then_it_is_gone_within_moments(
    proxied: ProxiedLab, lab: RunningLab, api: ApiClient
) -> None:
    async with lab.scripted("0003*210", rings()) as alice:
        proxied.ami.freeze_to_server()
        await api.place(["210"], ["3235550201"])
        await proxied.ami.wait_held(b"Originate")
        (live,) = await api.calls("210")
        await lab.bridge.kill()
        proxied.ami.cut()  # the Originate is lost with the connection
        proxied.ami.thaw()
        await lab.bridge.start()
        answer = await api.hang_up("210", live["id"])
        assert answer.status in (200, 204)  # 204: it was over before
        await wait_no_calls(api, "210", SOON_S)
        record = await api.wait_ended(live["id"])
        assert record["endedBy"] == ("api" if answer.status == 200 else "unknown")
        assert alice.incoming_invites == 0
        assert_ended_once(lab, live["id"])


@pytest.mark.parametrize("sources", [["210"], ["210", "0003*213"]], ids=["one", "two"])
@pytest.mark.parametrize("by", ["source", "destination"])
async def test_given_blind_transfer_while_service_is_dead_when_it_is_back_then_one_view_per_party(
    lab: RunningLab, api: ApiClient, by: str, sources: list[str]
) -> None:
    async with (
        lab.phone("0003*210") as alice,
        lab.scripted("0003*213", rings()) as dave,
        lab.phone("0003*211", answer="auto") as bob,
        lab.phone("0003*212") as carol,
    ):
        call_id = await api.place(sources, ["211"], extension="210")
        await alice.wait_ringing()
        if len(sources) > 1:
            await dave.wait_ringing()
        await alice.accept()
        await wait_statuses(api, call_id, 5, 5)
        await wait_on_disk(lab, call_id, answered=True)
        leaves, stays = (alice, "0003*211") if by == "source" else (bob, "0003*210")
        await lab.bridge.kill()
        await leaves.transfer("0003*212")
        await leaves.wait_closed()
        await carol.wait_ringing()
        await lab.bridge.start()
        ringing = await wait_statuses(api, call_id, 4, 3)
        await carol.accept()
        talk = await wait_statuses(api, call_id, 5, 5)
        for call in (ringing, talk):
            assert [x["extension"][-3:] for x in call["phoneCallView"]] == [stays[-3:], "212"]
            for view in call["phoneCallView"]:
                assert [x[-3:] for x in view["source"]] == [stays[-3:]]
                assert [x[-3:] for x in view["destination"]] == ["212"]
        assert (await api.hang_up("@self", call_id)).json == [{"id": call_id}]
        ended = await api.wait_ended(call_id)
        told = [x["extension"][-3:] for x in ended["phoneCallView"]]
        assert sorted(told) == sorted({x[-3:] for x in (*sources, "211", "212")})
        assert_ended_once(lab, call_id)


@pytest.mark.parametrize("by", ["source", "destination"])
async def test_given_attended_transfer_while_service_is_dead_when_back_then_one_view_per_party(
    lab: RunningLab, api: ApiClient, by: str
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as alice,
        lab.phone("0003*211", answer="auto") as bob,
        lab.phone("0003*212", answer="auto") as carol,
    ):
        call_id = await api.place(["210"], ["211"])
        await wait_statuses(api, call_id, 5, 5)
        leaves, stays = (alice, "211") if by == "source" else (bob, "210")
        first = await leaves.wait_established()
        second = await leaves.dial("212")
        await carol.wait_established()
        await leaves.wait_established(call=second)
        consultation = await wait_only_call(api, "212", lambda x: statuses(x) == [5, 5])
        await wait_on_disk(lab, consultation["id"], answered=True)
        await lab.bridge.kill()
        await leaves.attended_transfer(first, second)
        await lab.bridge.start()
        talk = await wait_only_call(api, "@self", lambda x: len(statuses(x)) == 2)
        assert talk["id"] == call_id
        assert statuses(talk) == [5, 5]
        assert [x["extension"][-3:] for x in talk["phoneCallView"]] == [stays, "212"]
        view = talk["phoneCallView"][0]
        assert [[x[-3:] for x in view[y]] for y in ("source", "destination")] == [[stays], ["212"]]
        assert (await api.hang_up("@self", call_id)).json == [{"id": call_id}]
        await carol.wait_closed()
        for ended_id in (call_id, consultation["id"]):
            await api.wait_ended(ended_id)
            assert_ended_once(lab, ended_id)


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
