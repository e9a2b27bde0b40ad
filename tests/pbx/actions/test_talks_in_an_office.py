"""Actions on a talk in the office's own dialplan, on the newest Asterisk and on the oldest."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.testing.eventually import eventually
from tests.pbx.verba.recorded_files import RecordedFiles

from .acting import views
from .at_an_office import At, short

pytestmark = pytest.mark.asyncio(loop_scope="module")

DIALLED = pytest.mark.parametrize("dialled", ["211", "600", "601"])
"""A phone by a subroutine, and groups: Local channels that are optimised away, and that stay."""


def view_of(call: Any, number: str) -> str:
    [view] = [x["id"] for x in call["phoneCallView"] if short(x) == number]
    return str(view)


@DIALLED
@pytest.mark.parametrize(("holder", "held"), [("210", "211"), ("211", "210")])
async def test_given_a_talk_when_a_party_holds_the_other_then_it_waits_until_it_is_taken_back(
    at: At, dialled: str, holder: str, held: str
) -> None:
    call = await at.talk(dialled)
    view = view_of(call, holder)

    on_hold = await at.done(call, "OnHold", phoneCallViewId=view)

    assert all(views(on_hold, "onHold"))
    assert {short(x): x["holder"] for x in on_hold["phoneCallView"]} == {holder: 1, held: 0}
    assert (await at.bridge_of(holder)) != (await at.bridge_of(held))

    resumed = await at.done(call, "OffHold", phoneCallViewId=view)

    assert views(resumed, "onHold") == views(resumed, "holder") == [None, None]
    assert (views(resumed, "status"), resumed["answered"]) == ([5, 5], call["answered"])
    await at.call({"210": 5, "211": 5})
    await at.phone(held).calls[-1].hang_up()
    await at.ends(call, "source" if held == "210" else "destination", "210", "211")


@pytest.mark.parametrize("ends", ["holder", "held", "the app"])
async def test_given_a_call_on_hold_in_a_group_when_somebody_ends_it_then_it_ends_once(
    at: At, ends: str
) -> None:
    call = await at.talk("601")
    await at.done(call, "OnHold", phoneCallViewId=view_of(call, "211"))
    if ends == "the app":
        assert (await at.api.hang_up("@self", call["id"])).json == [{"id": call["id"]}]
    else:
        await at.phone("211" if ends == "holder" else "210").calls[-1].hang_up()
    ended_by = {"holder": "destination", "held": "source", "the app": "api"}[ends]
    await at.ends(call, ended_by, "210", "211")


@pytest.mark.parametrize("pressed", [0, 1])
async def test_given_an_ivr_of_the_office_when_a_digit_is_sent_then_it_rings_the_phone_behind(
    at: At, pressed: int
) -> None:
    at.phone("211").answers_after_s = 0.05
    call_id = await at.api.place(["0003*211"], ["0003*400"], extension="0003*211")
    call = await at.api.wait_call(call_id, lambda x: views(x, "status") == [5, 5])

    # Answer() drops what comes before the first audio.
    await at.done(
        call, "SendDTMF", phoneCallViewId="00" if pressed else "01", digits="ww2", pressed=pressed
    )

    await at.phone("212").ringing()
    await at.api.hang_up("@self", call_id)
    await at.ends(call, "api", "211", "212")


@DIALLED
async def test_given_a_talk_when_it_is_recorded_by_the_app_then_the_file_ends_with_the_stop(
    at: At, dialled: str
) -> None:
    at.phone("211").answers_after_s = 0.05
    dialler = await at.phone("213").dial(dialled)  # 210 is recorded always
    call = await at.call({"213": 5, "211": 5})
    files = RecordedFiles(at.office.asterisk.pbx.spool_dir)

    started = await at.done(call, "StartRecording", phoneCallViewId="00", format="wav")

    assert all(views(started, "recording"))
    [file] = await files.wait_growing(started["recordingId"], 4_000)
    for action in ("PauseRecording", "ResumeRecording"):
        assert all(views(await at.done(call, action), "recording"))

    stopped = await at.done(call, "StopRecording", phoneCallViewId="00")

    assert views(stopped, "recording") == [None, None]
    assert files.of(started["recordingId"]) == [file]
    await dialler.hang_up()
    await at.ends(call, "source", "211", "213")


@DIALLED
@pytest.mark.parametrize("action", ["Monitor", "Whisper"])
async def test_given_a_talk_when_a_phone_listens_then_it_may_leave_and_the_talk_goes_on(
    at: At, dialled: str, action: str
) -> None:
    call = await at.talk(dialled)
    at.phone("213").answers_after_s = 0.05

    answer = await at.act(call["id"], action, "213", view=view_of(call, "211"))

    assert answer.status == 200, answer.text
    listener = answer.json
    assert listener["actsOn"]["phoneCallId"] == call["id"]
    await at.phone("213").calls[-1].hang_up()
    await at.ends(listener, "source", "213")
    await at.call({"210": 5, "211": 5})
    await at.phone("211").calls[-1].hang_up()
    await at.ends(call, "destination", "210", "211")


@DIALLED
@pytest.mark.parametrize(("leaves", "stays"), [("211", "210"), ("210", "211")])
async def test_given_a_talk_when_a_party_transfers_the_other_then_that_talks_to_the_target(
    at: At, dialled: str, leaves: str, stays: str
) -> None:
    call = await at.talk(dialled)
    at.phone("212").answers_after_s = 0.05

    moved = await at.done(call, "Transfer", transferFromNumber=f"0003*{leaves}", sendCallTo="212")

    assert moved["answered"] == call["answered"]
    await at.call({stays: 5, "212": 5})
    await at.phone(leaves).free()
    await at.connected(stays, "212")
    await at.phone("212").calls[-1].hang_up()
    await at.ends(call, "destination", stays, "212")


@DIALLED
async def test_given_a_target_that_refuses_when_transferred_then_the_party_comes_back(
    at: At, dialled: str
) -> None:
    call = await at.talk(dialled)
    at.phone("212").refuses_with = 486

    answer = await at.act(call["id"], "Transfer", "212", view=view_of(call, "211"))

    assert (answer.status, answer.code) == (409, "pc_action_failed"), answer.text
    await at.call({"210": 5, "211": 5})
    await at.connected("210", "211")
    await at.phone("210").calls[-1].hang_up()
    await at.ends(call, "source", "210", "211")


async def test_given_a_talk_when_transferred_by_the_dialplan_to_a_mobile_then_the_two_talk(
    at: At,
) -> None:
    call = await at.talk("601")

    moved = await at.act(call["id"], "Transfer", "3235550200", view=view_of(call, "211"))

    assert moved.status == 200, moved.text
    await at.phone("211").free()
    assert [short(x) for x in moved.json["phoneCallView"] if "extension" in x] == ["210"]
    await at.phone("210").calls[-1].hang_up()
    await at.ends(call, "source", "210")


async def test_given_a_talk_when_transferred_to_a_queue_then_its_agent_has_the_caller(
    at: At,
) -> None:
    call = await at.talk("601")
    at.phone("212").answers_after_s = 0.05
    at.phone("211").answers_after_s = None

    moved = await at.act(call["id"], "Transfer", "0003*300", view=view_of(call, "211"))

    assert moved.status == 200, moved.text

    async def talks() -> bool:
        return any(not x.over.is_set() and x.answered.is_set() for x in at.phone("212").calls)

    await eventually(talks, 10)
    await at.phone("210").calls[-1].hang_up()
    await at.ends(call, "source", "210", "211", "212")


async def test_given_no_mailbox_of_the_service_when_transferred_to_one_then_the_talk_goes_on(
    at: At,
) -> None:
    call = await at.talk()
    answer = await at.act(call["id"], "TransferToVoicemail", "213", view="01")
    assert (answer.status, answer.code) == (400, "pc_sendcallto_invalid"), answer.text
    await at.call({"210": 5, "211": 5})


async def test_given_the_offices_queue_when_asked_then_its_agents_and_callers_are_those_of_its_file(
    at: At,
) -> None:
    queue = "/uapi/extensions/@me/0003*300/queue"
    listed = await at.api.request("GET", f"{queue}/agents")
    shown = {x["agentNumber"]: x["status"] for x in listed.json["entry"]}
    assert shown == {"0003*211": "1", "0003*212": "1"}
    await at.phone("210").dial("300")
    await at.phone("212").ringing()

    async def waiting() -> list[int]:
        callers = await at.api.request("GET", f"{queue}/callers")
        return [x["position"] for x in callers.json["entry"]]

    assert await eventually(waiting) == [1]
    await at.phone("210").calls[-1].hang_up()


async def test_given_an_ami_user_without_the_right_when_an_agent_is_to_pause_then_501_names_it(
    at: At,
) -> None:
    path = "/uapi/extensions/@me/0003*300/queue/agents/0003*212"
    refused = await at.api.request("PUT", path, body={"status": "2"})
    assert (refused.status, refused.code) == (501, "request_not_implemented"), refused.text
    assert "agent" in refused.message
    listed = await at.api.request("GET", path)
    assert [x["status"] for x in listed.json["entry"]] == ["1"]
