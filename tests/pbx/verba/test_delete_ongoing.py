"""DeleteCall during a call: the call goes on, its recording is gone, nothing more is recorded."""

from __future__ import annotations

import asyncio

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.verba_client import VerbaClient

from .audit import Audit
from .recorded_call import call_goes_on, recorded_call
from .recorded_files import RecordedFiles

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("recorded_bytes", [0, 32_000])
async def test_given_an_ongoing_call_when_deleted_at_its_start_or_later_then_only_the_call_goes_on(
    lab: RunningLab,
    api: ApiClient,
    verba: VerbaClient,
    files: RecordedFiles,
    audit: Audit,
    recorded_bytes: int,
) -> None:
    before = files.names()
    async with recorded_call(lab, api, verba) as call:
        if recorded_bytes:
            await files.wait_growing(call.id, recorded_bytes)

        answer = await verba.ask("DeleteCall", extension="211", status="ongoing")

        assert (answer.code, answer.message) == (0, "")
        await call_goes_on(api, call, for_s=2.5)
        assert files.names() == before
        assert (await verba.ask("GetCallInformation", callID=call.id)).code == -50
        # Asked again while the mark waits for the end of the call: the same wish.
        assert (await verba.ask("DeleteCall", callID=call.id)).code == 0
        again = await verba.ask("DeleteCall", extension="211", status="ongoing")
        assert again.code == 0
        assert len(audit.record(call.id)) == 1  # the mark, until the call has ended
    line = await audit.wait_removed(call.id)
    assert (await verba.ask("DeleteCall", callID=call.id)).code == -50
    assert (line["key_name"], line["phone_call_id"]) == ("erasure", call.call_id)
    assert files.names() == before
    assert lab.bridge.secret("verba-key/erasure") not in lab.bridge.log_text()


async def test_given_a_call_in_its_last_moment_when_deleted_then_nothing_is_left(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, files: RecordedFiles, audit: Audit
) -> None:
    before = files.names()
    for delay_s in (0.0, 0.03, 0.08):
        async with recorded_call(lab, api, verba) as call:
            await files.wait_growing(call.id, 8_000)
            ending = asyncio.create_task(api.hang_up("210", call.call_id))
            await asyncio.sleep(delay_s)  # before, while and after the call ends

            answer = await verba.ask("DeleteCall", callID=call.id)

            assert answer.code == 0
            await ending
        await audit.wait_removed(call.id)
        assert files.names() == before


async def test_given_a_deleted_call_when_it_is_transferred_then_the_new_leg_is_not_recorded(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, files: RecordedFiles, audit: Audit
) -> None:
    before = files.names()
    async with lab.phone("0003*212", answer="auto", tone_hz=700) as carol:
        async with recorded_call(lab, api, verba) as call:
            assert (await verba.ask("DeleteCall", callID=call.id)).code == 0

            assert (await call.alice.transfer("212")).carried_out
            await carol.wait_tone(1000)
            await call.bob.wait_tone(700)
            await asyncio.sleep(1)  # time in which a new file would have appeared

            assert files.names() == before
        await audit.wait_removed(call.id)
    assert files.names() == before


async def test_given_a_phone_that_transfers_its_recorded_call_then_one_conversation_has_two_files(
    lab: RunningLab, verba: VerbaClient, files: RecordedFiles
) -> None:
    before = files.names()
    async with (
        lab.phone("0003*214", tone_hz=440) as lobby,  # it is always recorded
        lab.phone("0003*211", answer="auto", tone_hz=1000) as bob,
        lab.phone("0003*212", answer="auto", tone_hz=700) as carol,
    ):
        await lobby.dial("211")
        await lobby.wait_tone(1000)
        call_id = await verba.ongoing_of("214")
        await files.wait_growing(call_id, 16_000)
        assert (await lobby.transfer("212")).carried_out
        await carol.wait_tone(1000)
        await files.wait_growing(f"{call_id}-2", 24_000)
        await bob.hangup()
        await carol.wait_closed()
    record = await verba.conversation(call_id, ongoing=False, field="ccdr_id")
    assert [x.attrib["part"] for x in record.findall("media")] == ["1", "2"]
    found = await verba.ask("GetCallID", extension="212", status="last")
    assert found.root.findtext("CallID") == call_id
    second = await verba.ask("GetMedia", callID=call_id, part="2")
    assert second.headers["Content-Type"] == "audio/wav"
    assert len(second.body) >= 24_000

    assert (await verba.ask("DeleteCall", callID=call_id)).code == 0

    assert files.names() == before


@pytest.mark.parametrize("who", ["source", "destination"])
async def test_given_a_call_of_the_api_that_a_phone_transfers_then_its_one_file_goes_on(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, files: RecordedFiles, who: str
) -> None:
    """It is recorded where its sources are rung from, which stays whoever transfers."""
    before = files.names()
    async with lab.phone("0003*212", answer="auto", tone_hz=700) as carol:
        async with recorded_call(lab, api, verba) as call:
            await files.wait_growing(call.id, 16_000)
            leaves, stays, heard = (
                (call.alice, call.bob, 1000) if who == "source" else (call.bob, call.alice, 440)
            )
            assert (await leaves.transfer("212")).carried_out
            await carol.wait_tone(heard)
            await stays.wait_tone(700)
            [file] = files.of(call.id)
            await files.wait_growing(call.id, file.stat().st_size + 24_000)
        record = await verba.conversation(call.call_id, ongoing=False)
        assert [x.attrib["part"] for x in record.findall("media")] == ["1"]
        assert files.of(call.id) == [file]

        assert (await verba.ask("DeleteCall", callID=call.id)).code == 0

    assert files.names() == before


@pytest.mark.parametrize("who", ["source", "destination"])
async def test_given_a_recorded_call_that_an_app_transfers_then_a_second_file_has_the_target(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, files: RecordedFiles, who: str
) -> None:
    before = files.names()
    async with lab.phone("0003*212", answer="auto", tone_hz=700) as carol:
        async with recorded_call(lab, api, verba) as call:
            await files.wait_growing(call.id, 16_000)
            view, stays, heard = (
                ("00", call.bob, 1000) if who == "source" else ("01", call.alice, 440)
            )
            path = f"/uapi/phoneCalls/@me/@self/{call.call_id}"
            body = {"action": "Transfer", "sendCallTo": "0003*212", "phoneCallViewId": view}
            answer = await api.request("PUT", path, body=body)
            assert answer.status == 200, answer.text
            await carol.wait_tone(heard)
            await stays.wait_tone(700)
            await files.wait_growing(f"{call.id}-2", 24_000)
        record = await verba.conversation(call.call_id, ongoing=False)
        assert [x.attrib["part"] for x in record.findall("media")] == ["1", "2"]
        second = await verba.ask("GetMedia", callID=call.id, part="2")
        assert len(second.body) >= 24_000

        assert (await verba.ask("DeleteCall", callID=call.id)).code == 0

    assert files.names() == before
