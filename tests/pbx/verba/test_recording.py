"""A call between two softphones is recorded, fetched, deleted, and gone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.verba_client import VerbaClient

from .recorded_files import RecordedFiles
from .sox import SoxAudio

pytestmark = pytest.mark.asyncio(loop_scope="session")

_SECOND_BYTES = 16_000


async def test_given_a_recorded_call_when_deleted_then_its_tones_are_found_before_and_nothing_after(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, files: RecordedFiles, tmp_path: Path
) -> None:
    before = files.names()
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=440) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=1000) as bob,
    ):
        call_id = await api.place(["210"], ["211"], extension="210", recording="true")
        await api.wait_status(call_id, 5)
        ongoing = await verba.conversation(call_id, ongoing=True)
        conversation_id = ongoing.findtext("ccdr_id", "")
        await files.wait_growing(conversation_id, 2 * _SECOND_BYTES)
        live = await api.call(call_id)
        assert live["recordingId"] == conversation_id
        for view in live["phoneCallView"]:
            assert view["answered"] <= view["recording"]
        await alice.wait_tone(1000)
        await bob.wait_tone(440)
        await api.hang_up("210", call_id)
        await alice.wait_closed()

    ended = await api.wait_ended(call_id)
    assert ended["recordingId"] == conversation_id
    assert [x["recording"] for x in ended["phoneCallView"]] == [
        x["recording"] for x in live["phoneCallView"]
    ]
    record = await verba.conversation(call_id, ongoing=False)
    assert record.attrib["state"] == "1"
    shown = {x.tag: x.text for x in record if x.tag != "media"}
    assert shown["platform_call_id"] == shown["native_id"] == shown["phone_call_id"] == call_id
    assert (shown["source_caller_id"], shown["source_name"]) == ("0003*210", "Alice Adams")
    assert (shown["destination_caller_id"], shown["destination_name"]) == ("0003*211", "Alice Desk")
    assert (shown["user_id"], shown["user_name"]) == ("12", "Alice Adams")
    assert (shown["direction_id"], shown["cause_id"], shown["ondemand"]) == ("0", "0", "true")
    [media] = record.findall("media")
    audio = await verba.ask("GetMedia", callID=conversation_id)
    assert audio.headers["Content-Type"] == "audio/wav"
    [file] = files.of(conversation_id)
    assert file.read_bytes() == audio.body
    assert hashlib.sha256(audio.body).hexdigest() == media.attrib["sha256"]
    assert len(audio.body) == int(media.attrib["bytes"])
    assert int(media.attrib["length_ms"]) >= 2000
    fetched = tmp_path / "fetched.wav"
    fetched.write_bytes(audio.body)
    heard = SoxAudio(fetched)
    assert heard.channels == 1
    assert abs(int(media.attrib["length_ms"]) - heard.duration_s * 1000) < 2
    assert heard.tone_db(440) > -15
    assert heard.tone_db(1000) > -15
    assert heard.tone_db(700) < -40

    deleted = await verba.ask("DeleteCall", callID=conversation_id)

    assert deleted.code == 0
    assert files.names() == before
    again = await verba.ask("DeleteCall", callID=conversation_id)
    assert again.code == -50
    for action in ("GetCallInformation", "GetCallID", "GetMedia", "GetMarkers", "KeepCall"):
        assert (await verba.ask(action, callID=conversation_id)).code == -50
    searched = await verba.ask("SearchCalls", start="2000-01-01 00:00", f_ccdr_id=conversation_id)
    assert searched.calls == []


async def test_given_an_unanswered_call_that_would_be_recorded_then_nothing_is_left_behind(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, files: RecordedFiles
) -> None:
    before = files.names()
    async with lab.phone("0003*210", answer="auto"), lab.phone("0003*211") as bob:
        call_id = await api.place(["210"], ["211"], extension="210", recording="true")
        await bob.wait_ringing()
        await api.hang_up("210", call_id)
        await api.wait_ended(call_id)

    found = await verba.ask("SearchCalls", start="2000-01-01 00:00", f_platform_call_id=call_id)
    assert found.calls == []
    assert files.names() == before


@pytest.mark.parametrize(
    ("extension", "recording", "is_recorded"),
    [
        ("210", None, False),
        ("210", "false", False),
        ("214", "false", True),
        ("214", None, True),
        ("213", None, False),
        ("213", "false", False),
    ],
)
async def test_given_the_mode_of_the_extension_when_called_then_the_parameter_counts_on_demand_only(
    lab: RunningLab,
    api: ApiClient,
    verba: VerbaClient,
    files: RecordedFiles,
    extension: str,
    recording: str | None,
    is_recorded: bool,
) -> None:
    before = files.names()
    query = {} if recording is None else {"recording": recording}
    async with (
        lab.phone(f"0003*{extension}", answer="auto", tone_hz=440) as caller,
        lab.phone("0003*212", answer="auto", tone_hz=1000),
    ):
        call_id = await api.place([extension], ["212"], extension=extension, **query)
        await api.wait_status(call_id, 5)
        await caller.wait_tone(1000)
        if is_recorded:
            await verba.conversation(call_id, ongoing=True)
        await api.hang_up(extension, call_id)
        await api.wait_ended(call_id)

    if not is_recorded:
        assert files.names() == before
        return
    record = await verba.conversation(call_id, ongoing=False)
    assert record.findtext("ondemand") == "false"
    assert (await verba.ask("DeleteCall", platformCallID=call_id)).code == 0
    assert files.names() == before


async def test_given_a_wrong_parameter_recording_when_created_then_refused(api: ApiClient) -> None:
    answer = await api.create(["210"], ["211"], extension="210", recording="maybe")
    assert (answer.status, answer.code) == (400, "pc_recording_invalid")


async def test_given_an_extension_that_is_never_recorded_when_recording_is_asked_for_then_refused(
    api: ApiClient,
) -> None:
    answer = await api.create(["213"], ["212"], extension="213", recording="true")
    assert (answer.status, answer.code) == (400, "pc_recording_invalid")
    assert "0003*213" in answer.text


async def test_given_recorded_calls_when_they_end_either_way_then_nothing_is_missed_in_the_log(
    lab: RunningLab, api: ApiClient, verba: VerbaClient
) -> None:
    """The channel that is recorded ends first: the one that is left is no second part."""
    async with (
        lab.phone("0003*214", answer="auto") as recorded,
        lab.phone("0003*211", answer="auto") as bob,
    ):
        for who in ("api", "source", "destination") * 3:
            call_id = await api.place(["214"], ["211"], extension="214")
            await verba.conversation(call_id, ongoing=True)
            await api.wait_call(call_id, lambda x: "recordingId" in x)
            if who == "api":
                await api.hang_up("214", call_id)
            else:
                await (recorded if who == "source" else bob).hangup()
            await api.wait_ended(call_id)
            record = await verba.conversation(call_id, ongoing=False)
            assert len(record.findall("media")) == 1
            assert (await verba.ask("DeleteCall", platformCallID=call_id)).code == 0
    assert "recording_not_started" not in lab.bridge.log_text()
