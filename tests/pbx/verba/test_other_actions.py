"""Searching, markers, metadata, muting, stereo, and calls that the API did not create."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.toolchain import ensure_phone_tools
from bridge.testing.verba_client import VerbaAnswer, VerbaClient

from .conftest import QUICK
from .recorded_call import finished_call, recorded_call
from .recorded_files import RecordedFiles
from .sox import SoxAudio

pytestmark = pytest.mark.asyncio(loop_scope="session")

_ALL = {"start": "2000-01-01 00:00"}


async def test_given_calls_when_searched_then_as_asked_and_wrong_questions_are_invalid(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, files: RecordedFiles
) -> None:
    first = await finished_call(lab, api, verba, files)
    second = await finished_call(lab, api, verba, files)

    async def found(**parameters: str) -> list[str]:
        answer = await verba.ask("SearchCalls", **{**_ALL, **parameters})
        assert answer.code == 0, answer.text
        listed = answer.response.find("verbacdrlist")
        assert listed is not None
        assert listed.attrib["rowcount"] == str(len(answer.calls))
        assert answer.root.attrib["rowcount"] == str(len(answer.calls))
        ids = [x.findtext("ccdr_id", "") for x in answer.calls]
        return [x for x in ids if x in (first.id, second.id)]

    assert await found() == [first.id, second.id]
    assert await found(order="desc") == [second.id, first.id]
    assert await found(anynum="0003*21", anyname="alice") == [first.id, second.id]
    assert await found(anynum="nobody") == []
    assert await found(end="2001-01-01 00:00:00") == []
    assert await found(status="ongoing") == []
    assert await found(f_ccdr_id=second.id) == [second.id]
    assert len(await found(pagelen="1", order="desc")) == 1
    for wrong in (
        {"start": ""},
        {"start": "yesterday"},
        {"start": "2000-13-01 00:00"},
        {"status": "last"},
        {"orderby": "document"},
        {"order": "down"},
        {"pagelen": "0"},
        {"pagefirst": "-1"},
        {"f_document": "x"},
    ):
        assert (await verba.ask("SearchCalls", **{**_ALL, **wrong})).code == -20, wrong
    many = [("action", "SearchCalls"), ("apiKey", verba.api_key), *_ALL.items()]
    many += [("anynum", str(x)) for x in range(900)]
    async with verba.http.post(verba.url, data=many) as response:
        refused = VerbaAnswer(response.status, response.headers, await response.read())
    assert (refused.code, refused.message) == (
        -20,
        "Parameter anynum is given 900 times; at most 20 are taken.",
    )
    for call in (first, second):
        assert (await verba.ask("DeleteCall", callID=call.id)).code == 0


async def test_given_a_finished_call_when_asked_as_the_public_clients_do_then_they_understand(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, files: RecordedFiles
) -> None:
    call = await finished_call(lab, api, verba, files)
    found = await verba.ask("GetCallID", callID=call.id, apiKey=verba.api_key.upper())
    assert found.root.findtext("CallID") == call.id
    assert found.response.attrib["callID"] == call.id
    shown = (await verba.ask("GetCallInformation", callID=call.id)).calls[0]
    assert re.fullmatch(r"00:00:\d\d", shown.findtext("duration", ""))
    assert shown.findtext("verba_user_name") == shown.findtext("user_name")
    for name in ("ondemand", "conference", "secondary", "do_not_delete"):
        assert shown.findtext(name) in ("true", "false"), name
    plain = await verba.ask("GetMedia", callID=call.id)
    encoded = await verba.ask("GetMediaEncoded", cid=call.id, format="wav")
    assert encoded.headers["Content-Type"] == "audio/wav"
    assert encoded.body == plain.body
    mp3 = await verba.ask("GetMediaEncoded", cid=call.id, format="mp3")
    assert (mp3.code, mp3.message.partition(":")[0]) == (-20, "Parameter format must be wav")
    assert (await verba.ask("DeleteCall", callID=call.id)).code == 0


async def test_given_markers_and_metadata_when_read_then_there_and_gone_with_the_call(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, files: RecordedFiles
) -> None:
    other = await finished_call(lab, api, verba, files)
    async with recorded_call(lab, api, verba) as call:
        ongoing = {"extension": "0003*210", "status": "ongoing"}
        started = await verba.ask("AddMarker", **ongoing, mmode="start", mname="card <number>")
        assert started.code == 0, started.text
        assert (await verba.ask("GetMedia", callID=call.id)).code == -70
        await files.wait_growing(call.id, 8_000)
        assert (await verba.ask("AddMarker", **ongoing, mmode="end")).code == 0
    await verba.conversation(call.call_id, ongoing=False)
    assert (await verba.ask("AddMarker", callID=call.id, mname="x", mstart="5")).code == 0
    assert (await verba.ask("AddMarker", callID=call.id, mname="x", mmode="start")).code == -20
    assert (await verba.ask("AddMarker", callID=call.id, mname="x")).code == -20
    assert (await verba.ask("AddMarker", callID=call.id, mstart="5")).code == -20
    marked = (await verba.ask("GetMarkers", cid=call.id)).response.findall("verbamarker")
    assert [x.findtext("name") for x in marked] == ["card <number>", "x"]
    assert int(marked[0].findtext("start", "")) < int(marked[0].findtext("end", ""))
    assert (marked[1].findtext("start"), marked[1].findtext("end")) == ("5", "")
    assert (await verba.ask("AttachMetaData", callID=call.id)).code == -20
    for first in range(0, 200, 50):
        fields = {f"field{x}": "1" for x in range(first, first + 50)}
        refused = (await verba.post("AttachMetaData", callID=other.id, **fields)).code
        assert refused == 0
    assert (await verba.post("AttachMetaData", callID=other.id, one_more="1")).code == -20
    assert (await verba.post("AttachMetaData", callID=other.id, field7="2")).code == 0
    assert (await verba.ask("DeleteCall", callID=other.id)).code == 0
    attached = await verba.post("AttachMetaData", callID=call.id, case="a&b", agent="7")
    assert attached.code == 0
    shown = await verba.ask("GetCallInformation", callID=call.id)
    values = {x.attrib["name"]: x.text for x in shown.calls[0].findall("metadata")}
    assert values == {"case": "a&b", "agent": "7"}

    assert (await verba.ask("DeleteCall", callID=call.id)).code == 0

    assert (await verba.ask("GetMarkers", cid=call.id)).code == -50


async def test_given_a_muted_side_then_the_recording_is_silent_there_and_the_call_is_not(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, files: RecordedFiles, tmp_path: Path
) -> None:
    async with recorded_call(lab, api, verba) as call:
        muted = await verba.ask("MuteRecording", callID=call.id, mute="1")
        assert muted.code == 0, muted.text
        [file] = files.of(call.id)
        await files.wait_growing(call.id, file.stat().st_size + 40_000)
        await call.bob.wait_tone(440)
        assert (await verba.ask("MuteRecording", callID=call.id, mute="4")).code == -20
    await verba.conversation(call.call_id, ongoing=False)
    (tmp_path / "x.wav").write_bytes((await verba.ask("GetMedia", callID=call.id)).body)
    heard = SoxAudio(tmp_path / "x.wav")
    assert heard.tone_db(1000, last_s=2) > -15
    assert heard.tone_db(440, last_s=2) < -50
    assert (await verba.ask("MuteRecording", callID=call.id, mute="0")).code == -50
    assert (await verba.ask("DeleteCall", callID=call.id)).code == 0


async def test_given_a_call_dialled_on_a_phone_that_is_always_recorded_then_it_is_found_and_deleted(
    lab: RunningLab, verba: VerbaClient, files: RecordedFiles
) -> None:
    before = files.names()
    async with (
        lab.phone("0003*214", tone_hz=440) as lobby,
        lab.phone("0003*212", answer="auto", tone_hz=1000),
    ):
        await lobby.dial("212")
        await lobby.wait_tone(1000)
        found = await verba.ongoing_of("214")
        await files.wait_growing(found, 8_000)
        await lobby.hangup()
        await lobby.wait_closed()
    shown = await verba.ask("GetCallInformation", callID=found)
    assert shown.calls[0].findtext("source_caller_id") == "0003*214"
    assert shown.calls[0].findtext("destination_caller_id") == "0003*212"
    assert (await verba.ask("DeleteCall", extension="212", status="last")).code == 0
    assert files.names() == before


async def test_given_a_call_from_outside_to_a_recorded_phone_then_found_by_the_callers_number(
    lab: RunningLab, verba: VerbaClient, files: RecordedFiles
) -> None:
    before = files.names()
    async with lab.phone("0003*214", answer="auto", tone_hz=440) as lobby:
        await lab.asterisk.call_in("5550003214", caller_number="3235550199", does="tone")
        await lobby.wait_tone(1000)
        found = await verba.ongoing_of("3235550199")
        await files.wait_growing(found, 8_000)
        await lobby.hangup()
        await lobby.wait_closed()
    answer = await verba.ask("GetCallInformation", extension="5550003214", status="last")
    assert answer.calls[0].findtext("ccdr_id") == found
    assert answer.calls[0].findtext("direction_id") == "1"
    assert (await verba.ask("DeleteCall", callID=found)).code == 0
    assert files.names() == before


async def test_given_a_recorded_phone_in_a_conference_then_found_by_the_meeting(
    lab: RunningLab, verba: VerbaClient, files: RecordedFiles
) -> None:
    before = files.names()
    async with lab.phone("0003*214", tone_hz=440) as lobby:
        await lobby.dial("500")
        found = await verba.ongoing_of("214")
        await files.wait_growing(found, 8_000)
        deleted = await verba.ask("DeleteCall", meetingID="0003*500")
        assert deleted.code == 0, deleted.text
        assert files.names() == before
        await lobby.hangup()
        await lobby.wait_closed()
    await verba.wait_gone(found)


async def test_given_several_sources_then_the_one_that_answered_is_recorded_and_is_the_caller(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, files: RecordedFiles, tmp_path: Path
) -> None:
    async with (
        lab.phone("0003*210"),
        lab.phone("0003*211", answer="auto", tone_hz=440) as desk,
        lab.phone("0003*212", answer="auto", tone_hz=1000),
    ):
        query = {"extension": "210", "recording": "true"}
        call_id = await api.place(["210", "211"], ["212"], **query)
        await desk.wait_tone(1000)
        record = await verba.conversation(call_id, ongoing=True)
        conversation_id = record.findtext("ccdr_id", "")
        await files.wait_growing(conversation_id, 24_000)
        await api.hang_up("210", call_id)
    record = await verba.conversation(call_id, ongoing=False)
    assert record.findtext("source_caller_id") == "0003*211"
    assert record.findtext("recorded_party") == "0003*210"
    (tmp_path / "x.wav").write_bytes((await verba.ask("GetMedia", callID=conversation_id)).body)
    heard = SoxAudio(tmp_path / "x.wav")
    assert min(heard.tone_db(440), heard.tone_db(1000)) > -15
    assert (await verba.ask("DeleteCall", extension="0003*211", status="last")).code == 0
    assert files.of(conversation_id) == []


async def test_given_the_setting_stereo_then_each_side_has_a_channel_of_its_own(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ensure_phone_tools()
    lab = await open_lab(tmp_path_factory.mktemp("stereo"), QUICK | {"recording_stereo": "true"})
    try:
        key = lab.bridge.secret("verba-key/erasure")
        async with lab.client() as api, VerbaClient(lab.bridge.base_url, key) as verba:
            async with recorded_call(lab, api, verba) as call:
                await asyncio.sleep(2)  # what is recorded
            record = await verba.conversation(call.call_id, ongoing=False)
            audio = await verba.ask("GetMedia", callID=call.id)
            path = tmp_path / "stereo.wav"
            path.write_bytes(audio.body)
            heard = SoxAudio(path)
            [media] = record.findall("media")
            assert media.attrib["format"] == "raw"
            assert abs(int(media.attrib["length_ms"]) - heard.duration_s * 1000) < 2
            source, destination = range(1, heard.channels + 1)
            for tone_hz, here, there in ((440, source, destination), (1000, destination, source)):
                assert heard.tone_db(tone_hz, here) > -15
                assert heard.tone_db(tone_hz, there) < -50
            assert (await verba.ask("DeleteCall", callID=call.id)).code == 0
    finally:
        await lab.close()
