"""Monitor, Whisper and BargeIn: who hears whom, as measured in the audio of the phones."""

from __future__ import annotations

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.pbx.actions.listening import (
    ALICE_HZ,
    BOB_HZ,
    BOSS_HZ,
    DAVE_HZ,
    acted,
    hear,
    listening,
    silent,
    talk,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

A, B, C, D = ALICE_HZ, BOB_HZ, BOSS_HZ, DAVE_HZ


@pytest.mark.parametrize(
    ("action", "fields", "alice", "bob", "boss"),
    [
        ("Monitor", {}, (B,), (A,), (A, B)),
        ("Monitor", {"phoneCallViewId": "01"}, (B,), (A,), (A, B)),
        ("Whisper", {"private": "0"}, (B, C), (A,), (A, B)),
        ("Whisper", {"phoneCallViewId": "01"}, (B,), (A, C), (A, B)),
        ("Whisper", {"private": "1"}, (B, C), (A,), ()),
        ("Whisper", {"private": 1, "phoneCallViewId": "01"}, (B,), (A, C), ()),
        ("BargeIn", {}, (B, C), (A, C), (A, B)),
        ("BargeIn", {"phoneCallViewId": "01"}, (B, C), (A, C), (A, B)),
    ],
)
async def test_given_a_talk_when_a_phone_listens_then_each_hears_whom_it_should(
    lab: RunningLab,
    api: ApiClient,
    action: str,
    fields: dict[str, object],
    alice: tuple[int, ...],
    bob: tuple[int, ...],
    boss: tuple[int, ...],
) -> None:
    async with talk(lab, api) as call:
        listener = await acted(api, call.call_id, action, **fields)

        await hear({call.alice: alice, call.bob: bob, call.boss: boss})
        assert listener["id"] != call.call_id
        assert listener["actsOn"]["phoneCallId"] == call.call_id
        [view] = listener["phoneCallView"]
        assert (view["extension"], view["source"], view["destination"]) == ("212", ["212"], [])
        talked = await api.call(call.call_id)
        assert [x["extension"] for x in talked["phoneCallView"]] == ["210", "211"]


async def test_given_a_listener_when_its_call_is_deleted_then_the_talk_goes_on(
    lab: RunningLab, api: ApiClient
) -> None:
    async with talk(lab, api) as call:
        listener = await listening(api, call.call_id, "Monitor")

        answer = await api.request("DELETE", listener["links"]["self"])

        assert answer.json == [{"id": listener["id"]}]
        await call.boss.wait_closed()
        record = await api.wait_ended(listener["id"])
        assert (record["disposition"], record["endedBy"]) == (0, "api")
        await hear({call.alice: (B,), call.bob: (A,)})
        await api.wait_status(call.call_id, 5)


@pytest.mark.parametrize("ended_by", ["DELETE of the call", "DELETE of 210", "a phone"])
async def test_given_a_listener_when_the_talk_ends_then_it_ends_with_it(
    lab: RunningLab, api: ApiClient, ended_by: str
) -> None:
    async with talk(lab, api) as call:
        listener = await listening(api, call.call_id, "Monitor")

        if ended_by == "a phone":
            await call.bob.hangup()
        else:
            one = call.call_id if ended_by == "DELETE of the call" else ""
            answer = await api.hang_up("210", one)
            assert answer.json == [{"id": call.call_id}]

        await call.boss.wait_closed()
        await call.alice.wait_closed()
        await api.wait_ended(call.call_id)
        record = await api.wait_ended(listener["id"])
        assert (record["disposition"], record["endedBy"], record["reason"]) == (
            0,
            "other call",
            "the call listened to has ended",
        )
        assert record["actsOn"] == {
            "action": "Monitor",
            "phoneCallId": call.call_id,
            "phoneCallViewId": "00",
        }


async def test_given_a_listener_when_its_phone_hangs_up_then_the_talk_goes_on(
    lab: RunningLab, api: ApiClient
) -> None:
    async with talk(lab, api) as call:
        listener = await listening(api, call.call_id, "BargeIn")
        await call.boss.hangup()
        record = await api.wait_ended(listener["id"])
        assert (record["disposition"], record["endedBy"]) == (0, "source")
        await hear({call.alice: (B,), call.bob: (A,)})


async def test_given_a_listening_phone_when_the_action_is_repeated_then_it_rings_no_more(
    lab: RunningLab, api: ApiClient
) -> None:
    async with talk(lab, api) as call:
        first = await acted(api, call.call_id, "Monitor")
        again = await acted(api, call.call_id, "Monitor")
        assert again["id"] == first["id"]
        assert len(call.boss.log.dialogs) == 1


async def test_given_a_party_on_hold_when_it_is_listened_to_then_the_listener_stays_with_it(
    lab: RunningLab, api: ApiClient
) -> None:
    async with talk(lab, api) as call:
        await acted(api, call.call_id, "Whisper")
        await hear({call.alice: (B, C)})
        await call.bob.hold()
        await api.wait_call(call.call_id, lambda x: "onHold" in x["phoneCallView"][1])
        await silent(call.alice, B)
        await call.bob.resume()
        await api.wait_call(call.call_id, lambda x: "onHold" not in x["phoneCallView"][1])
        # Not bob's own ear: baresip 1.0 hears nothing more in a call that it has held.
        await hear({call.alice: (B, C), call.boss: (A, B)})


@pytest.mark.parametrize("dialled_by", ["the API", "a phone"])
@pytest.mark.parametrize("action", ["Monitor", "Whisper", "BargeIn"])
async def test_given_a_listened_to_party_that_is_transferred_then_the_listener_follows_it(
    lab: RunningLab, api: ApiClient, action: str, dialled_by: str
) -> None:
    async with (
        talk(lab, api, dialled_by=dialled_by) as call,
        lab.phone("0003*213", answer="auto", tone_hz=DAVE_HZ) as dave,
    ):
        listener = await acted(api, call.call_id, action)
        await hear({call.boss: (A, B)})

        assert (await call.bob.transfer("213")).carried_out

        heard = () if action == "Monitor" else (C,)
        by_dave = heard if action == "BargeIn" else ()
        await hear({call.alice: (D, *heard), call.boss: (A, D), dave: (A, *by_dave)})
        await dave.hangup()
        await call.boss.wait_closed()
        await api.wait_ended(listener["id"])


async def test_given_a_listened_to_party_that_leaves_then_the_listener_leaves_too(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        talk(lab, api) as call,
        lab.phone("0003*213", answer="auto", tone_hz=DAVE_HZ) as dave,
    ):
        listener = await listening(api, call.call_id, "Monitor")
        await call.alice.transfer("213")
        await dave.wait_established()
        await call.bob.wait_tone(D)
        await call.boss.wait_closed()
        record = await api.wait_ended(listener["id"])
        assert (record["disposition"], record["endedBy"]) == (0, "other call")
        await api.wait_status(call.call_id, 5)


async def test_given_a_listener_when_its_phone_transfers_it_then_nobody_else_is_rung(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        talk(lab, api) as call,
        lab.phone("0003*213", answer="auto") as dave,
    ):
        await acted(api, call.call_id, "Monitor")
        assert not (await call.boss.transfer("213")).carried_out
        assert dave.log.dialogs == []
        await hear({call.alice: (B,), call.bob: (A,)})


async def test_given_a_listener_when_its_phone_connects_another_one_then_that_does_not_listen(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        talk(lab, api) as call,
        lab.phone("0003*213", answer="auto") as dave,
    ):
        listener = await acted(api, call.call_id, "Monitor")
        listens = await call.boss.wait_established()
        consultation = await call.boss.dial("213")
        await dave.wait_established()
        await call.boss.attended_transfer(listens, consultation)
        await dave.wait_closed()
        await api.wait_ended(listener["id"])
        await hear({call.alice: (B,), call.bob: (A,)})


async def test_given_a_phone_of_mode_always_when_it_listens_then_that_is_not_recorded_again(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        talk(lab, api) as call,
        lab.phone("0003*214", answer="auto", tone_hz=DAVE_HZ) as lobby,
    ):
        listener = await acted(api, call.call_id, "Monitor", sendCallTo="214", callerId=None)
        await lobby.wait_tone(A)
        answer = await api.request(
            "PUT", listener["links"]["self"], body={"action": "StartRecording"}
        )
        assert (answer.status, answer.code) == (400, "pc_recording_invalid")
        await lobby.hangup()
        record = await api.wait_ended(listener["id"])
        assert "recordingId" not in record


async def test_given_a_listener_then_the_log_names_who_listens_to_which_call(
    lab: RunningLab, api: ApiClient
) -> None:
    async with talk(lab, api) as call:
        listener = await acted(api, call.call_id, "Whisper", private="1")
        [line] = [
            x
            for x in lab.bridge.log_lines("info")
            if x["event"] == "call_listened_to" and x["by_call_id"] == listener["id"]
        ]
        assert line["call_id"] == call.call_id
        assert (line["action"], line["view"]) == ("private Whisper", "00")
        assert (line["extension"], line["app"]) == ("0003*212", "user-12")


async def test_given_a_service_that_restarts_when_the_talk_ends_then_the_listener_ends(
    lab: RunningLab, api: ApiClient
) -> None:
    async with talk(lab, api) as call:
        listener = await acted(api, call.call_id, "Monitor")
        await lab.bridge.stop()
        await lab.bridge.start()
        kept = await api.call(listener["id"])
        assert kept["actsOn"]["phoneCallId"] == call.call_id
        await hear({call.boss: (A, B)})
        await api.hang_up("210", call.call_id)
        await call.boss.wait_closed()
        record = await api.wait_ended(listener["id"])
        assert (record["disposition"], record["endedBy"]) == (0, "other call")
