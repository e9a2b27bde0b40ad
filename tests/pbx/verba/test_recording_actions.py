"""StartRecording, StopRecording, PauseRecording, ResumeRecording: the files of the Verba API."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import rings
from bridge.testing.verba_client import VerbaClient
from tests.pbx.calls.live_calls import wait_statuses

from .recorded_files import RecordedFiles

DOC = Path(__file__).parents[3] / "docs" / "actions.md"

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def act(
    api: ApiClient, call_id: str, action: str, extension: str = "@self", **body: str
) -> Answer:
    path = f"/uapi/phoneCalls/@me/{extension}/{call_id}/"
    return await api.request("PUT", path, body={"action": action, **body})


async def done(api: ApiClient, call_id: str, action: str, **body: str) -> bool:
    """The action must succeed; whether the call is recorded after it."""
    answer = await act(api, call_id, action, **body)
    assert answer.status == 200, answer.text
    assert answer.json["id"] == call_id
    return "recording" in answer.json["phoneCallView"][0]


@asynccontextmanager
async def talk(
    lab: RunningLab, api: ApiClient, source: str = "210", destination: str = "211"
) -> AsyncIterator[str]:
    async with (
        lab.phone(f"0003*{source}", answer="auto", tone_hz=440),
        lab.phone(f"0003*{destination}", answer="auto", tone_hz=1000),
    ):
        call_id = await api.place([source], [destination], extension=source)
        await wait_statuses(api, call_id, 5, 5)
        yield call_id
        await api.hang_up("@self", call_id)
        await api.wait_ended(call_id)


async def test_given_a_talk_when_recorded_twice_by_action_then_one_conversation_has_two_stretches(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, files: RecordedFiles
) -> None:
    async with talk(lab, api) as call_id:
        assert await done(api, call_id, "StartRecording", phoneCallViewId="00", format="wav")
        record = await verba.conversation(call_id, ongoing=True)
        conversation = record.findtext("ccdr_id", "")
        live = await api.call(call_id)
        assert live["recordingId"] == conversation
        await files.wait_growing(conversation, 4_000)
        assert not await done(api, call_id, "StopRecording", phoneCallViewId="00")
        [first] = files.of(conversation)
        length = first.stat().st_size
        # a client hard-codes the view; a second start changes nothing of what runs
        for _ in range(2):
            assert await done(api, call_id, "StartRecording", phoneCallViewId="01", format="wav49")
        await files.wait_growing(conversation, 4_000)
        assert len(files.of(conversation)) == 2
        assert first.stat().st_size == length
    record = await verba.conversation(call_id, ongoing=False)
    assert record.findtext("ccdr_id") == conversation
    assert len(files.of(conversation)) == 2
    assert (await verba.ask("DeleteCall", callID=conversation)).code == 0


async def test_given_a_recorded_talk_when_paused_then_the_file_goes_on_in_silence(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, files: RecordedFiles
) -> None:
    async with talk(lab, api) as call_id:
        refused = await act(api, call_id, "PauseRecording")
        assert (refused.status, refused.code) == (409, "pc_action_failed")
        assert await done(api, call_id, "StartRecording")
        conversation = (await api.call(call_id))["recordingId"]
        assert await done(api, call_id, "PauseRecording")
        await files.wait_growing(conversation, 8_000)
        assert await done(api, call_id, "ResumeRecording")
        await files.wait_growing(conversation, 16_000)
    [file] = files.of(conversation)
    assert file.stat().st_size > 16_000
    assert (await verba.ask("DeleteCall", callID=conversation)).code == 0


async def test_given_a_stopped_recording_when_the_call_changes_then_it_stays_stopped(
    lab: RunningLab, api: ApiClient, files: RecordedFiles
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=440) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=1000),
    ):
        call_id = await api.place(["210"], ["211"], extension="210", recording="true")
        await api.wait_call(call_id, lambda x: "recording" in x["phoneCallView"][0])
        conversation = (await api.call(call_id))["recordingId"]
        assert not await done(api, call_id, "StopRecording")
        await alice.hold()
        await api.wait_call(call_id, lambda x: "onHold" in x["phoneCallView"][0])
        assert "recording" not in (await api.call(call_id))["phoneCallView"][0]
        assert len(files.of(conversation)) == 1
        await api.hang_up("210", call_id)
        await api.wait_ended(call_id)


async def test_given_a_recording_by_action_when_the_service_restarts_then_it_goes_on(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, files: RecordedFiles
) -> None:
    async with talk(lab, api) as call_id:
        assert await done(api, call_id, "StartRecording")
        conversation = (await api.call(call_id))["recordingId"]
        await lab.bridge.stop()
        await lab.bridge.start()
        await api.wait_call(call_id, lambda x: x["phoneCallView"][0]["status"] == 5)
        [file] = files.of(conversation)
        await files.wait_growing(conversation, file.stat().st_size + 8_000)
        assert files.of(conversation) == [file]
        assert not await done(api, call_id, "StopRecording")
    assert (await verba.ask("DeleteCall", callID=conversation)).code == 0


async def test_given_an_extension_that_is_always_recorded_when_stopped_then_it_is_refused(
    lab: RunningLab, api: ApiClient
) -> None:
    async with talk(lab, api, "210", "214") as call_id:
        await api.wait_call(call_id, lambda x: "recording" in x["phoneCallView"][0])
        refused = await act(api, call_id, "StopRecording", phoneCallViewId="00")
        assert (refused.status, refused.code) == (409, "pc_action_failed")
        assert "0003*214" in refused.message
        assert "recording" in (await api.call(call_id))["phoneCallView"][0]


async def test_given_an_extension_without_recording_when_started_then_it_is_refused(
    lab: RunningLab, api: ApiClient
) -> None:
    async with talk(lab, api, "213", "211") as call_id:
        refused = await act(api, call_id, "StartRecording", extension="213")
        assert (refused.status, refused.code) == (400, "pc_recording_invalid")
        assert "0003*213" in refused.message
        wrong = await act(api, call_id, "StartRecording", phoneCallViewId="01", format="mp3")
        assert (wrong.status, wrong.code) == (400, "pc_format_invalid")
        # the other party's own extension permits it
        assert await done(api, call_id, "StartRecording", phoneCallViewId="01")


async def test_the_examples_of_the_page(
    lab: RunningLab, api: ApiClient, verba: VerbaClient
) -> None:
    bodies = re.findall(r'^    (\{"action": "[A-Za-z]+Recording".*\})$', DOC.read_text(), re.M)
    assert len(bodies) == 4
    async with talk(lab, api) as call_id:
        path = f"/uapi/phoneCalls/@me/0003*210/{call_id}"
        for body in bodies:
            answer = await api.request("PUT", path, body=json.loads(body))
            assert answer.status == 200, (body, answer.text)
        conversation = (await api.call(call_id))["recordingId"]
    assert (await verba.ask("DeleteCall", callID=conversation)).code == 0


async def test_given_a_call_that_rings_when_started_then_it_is_refused_and_not_recorded_later(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.scripted("0003*210", rings()) as alice:
        call_id = await api.place(["210"], ["211"], extension="210")
        await alice.wait_ringing()
        refused = await act(api, call_id, "StartRecording")
        assert (refused.status, refused.code) == (409, "pc_action_failed")
        await api.hang_up("210", call_id)
        await api.wait_ended(call_id)
        again = await act(api, call_id, "StartRecording")
        assert (again.status, again.code) == (400, "pc_phonecall_invalid")


async def test_given_a_transfer_under_way_when_recording_is_ordered_then_the_new_talk_is_recorded(
    lab: RunningLab, api: ApiClient, files: RecordedFiles
) -> None:
    async with talk(lab, api) as call_id, lab.phone("0003*212") as carol:
        transfer = asyncio.create_task(act(api, call_id, "Transfer", "210", sendCallTo="0003*212"))
        ringing = await carol.wait_ringing()
        start = asyncio.create_task(act(api, call_id, "StartRecording", phoneCallViewId="01"))
        stopped = await act(api, call_id, "StopRecording", phoneCallViewId="01")
        again = await act(api, call_id, "StartRecording", phoneCallViewId="01")
        await carol.accept(call=ringing)
        for answer in (await transfer, await start, stopped, again):
            assert answer.status == 200, answer.text
        call = await api.wait_call(call_id, lambda x: "recording" in x["phoneCallView"][0])
        await files.wait_growing(call["recordingId"], 4_000)


async def test_given_orders_at_once_when_the_last_one_is_answered_then_it_holds(
    lab: RunningLab, api: ApiClient, files: RecordedFiles
) -> None:
    async with talk(lab, api) as call_id, lab.phone("0003*212", answer="auto"):
        orders = ["StartRecording", "StopRecording", "StartRecording"]
        transfer = act(api, call_id, "Transfer", transferFromNumber="0003*210", sendCallTo="212")
        answers = await asyncio.gather(*(act(api, call_id, x) for x in orders), transfer)
        assert [x.status for x in answers] == [200] * 4, [x.text for x in answers]
        assert not await done(api, call_id, "StopRecording", phoneCallViewId="01")
        assert await done(api, call_id, "StartRecording", phoneCallViewId="01")
        call = await api.call(call_id)
        await files.wait_growing(call["recordingId"], 4_000)
