"""Deletion when something is in the way: nothing is ever half deleted and called done."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bridge.directory.loader import EXAMPLE_FILE
from bridge.local_asterisk.local_asterisk import LocalAsterisk
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.toolchain import ensure_phone_tools
from bridge.testing.verba_client import VerbaClient

from .audit import Audit
from .conftest import QUICK
from .recorded_call import call_goes_on, finished_call, recorded_call
from .recorded_files import RecordedFiles

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def own_lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    """A lab whose Asterisk and service may be killed."""
    ensure_phone_tools()
    lab = await open_lab(tmp_path_factory.mktemp("faults"), QUICK)
    try:
        yield lab
    finally:
        await lab.close()


@pytest_asyncio.fixture(loop_scope="module")
async def own_api(own_lab: RunningLab) -> AsyncIterator[ApiClient]:
    async with own_lab.client() as client:
        yield client
        await client.hang_up()


@pytest_asyncio.fixture(loop_scope="module")
async def own_verba(own_lab: RunningLab) -> AsyncIterator[VerbaClient]:
    key = own_lab.bridge.secret("verba-key/erasure")
    async with VerbaClient(own_lab.bridge.base_url, key) as client:
        yield client


@pytest.fixture
def own_files(own_lab: RunningLab) -> RecordedFiles:
    assert isinstance(own_lab.asterisk, LocalAsterisk)
    return RecordedFiles(own_lab.asterisk.pbx.spool_dir)


@pytest.fixture
def own_audit(own_lab: RunningLab) -> Audit:
    return Audit(own_lab.bridge.state_dir)


def _immutable(path: Path, *, on: bool) -> None:
    """Nobody can remove the file, not even root."""
    subprocess.run(["chattr", "+i" if on else "-i", str(path)], check=True, timeout=10)


async def test_given_a_file_without_write_permission_when_deleted_then_it_is_gone(
    own_lab: RunningLab, own_api: ApiClient, own_verba: VerbaClient, own_files: RecordedFiles
) -> None:
    call = await finished_call(own_lab, own_api, own_verba, own_files)
    [file] = own_files.of(call.id)
    file.chmod(0o400)

    assert (await own_verba.ask("DeleteCall", callID=call.id)).code == 0

    assert not file.exists()


async def test_given_a_file_that_cannot_be_removed_then_an_error_and_the_background_finishes_it(
    own_lab: RunningLab,
    own_api: ApiClient,
    own_verba: VerbaClient,
    own_files: RecordedFiles,
    own_audit: Audit,
) -> None:
    call = await finished_call(own_lab, own_api, own_verba, own_files)
    [file] = own_files.of(call.id)
    _immutable(file, on=True)
    try:
        for _ in range(2):
            answer = await own_verba.ask("DeleteCall", callID=call.id)
            assert (answer.code, file.exists()) == (-1, True)
            assert "marked for deletion; removing its files failed" in answer.message
        shown = await own_verba.ask("GetCallInformation", callID=call.id)
        assert shown.response.find("verbacdr/being_deleted") is not None
        assert (await own_verba.ask("GetMedia", callID=call.id)).code == -70
        [line] = own_audit.lines(call.id)
        assert (line["result"], line["done_ms"]) == ("being deleted", None)

        await own_lab.bridge.kill()
        await own_lab.bridge.start()
        assert own_audit.record(call.id)
    finally:
        _immutable(file, on=False)

    await own_audit.wait_removed(call.id)
    assert not file.exists()
    assert (await own_verba.ask("DeleteCall", callID=call.id)).code == -50


async def test_given_a_marked_conversation_when_the_service_starts_then_it_is_deleted_to_its_end(
    own_lab: RunningLab,
    own_api: ApiClient,
    own_verba: VerbaClient,
    own_files: RecordedFiles,
    own_audit: Audit,
) -> None:
    """As after a kill between the removal of the file and that of the record."""
    call = await finished_call(own_lab, own_api, own_verba, own_files)
    [file] = own_files.of(call.id)
    _immutable(file, on=True)
    try:
        assert (await own_verba.ask("DeleteCall", callID=call.id)).code == -1
        await own_lab.bridge.kill()
    finally:
        _immutable(file, on=False)
    file.unlink()
    assert own_audit.record(call.id)

    await own_lab.bridge.start()

    await own_audit.wait_removed(call.id)


async def test_given_the_service_is_killed_while_it_deletes_then_the_file_goes_before_the_record(
    own_lab: RunningLab,
    own_api: ApiClient,
    own_verba: VerbaClient,
    own_files: RecordedFiles,
    own_audit: Audit,
) -> None:
    for delay_s in (0.0, 0.004, 0.012):
        call = await finished_call(own_lab, own_api, own_verba, own_files)
        deleting = asyncio.create_task(own_verba.ask("DeleteCall", callID=call.id))
        await asyncio.sleep(delay_s)  # before, while and after it deletes
        await own_lab.bridge.kill()
        await asyncio.gather(deleting, return_exceptions=True)
        assert own_audit.record(call.id) or not own_files.of(call.id)
        marked = bool(own_audit.lines(call.id))
        await own_lab.bridge.start()
        if marked:
            await own_audit.wait_removed(call.id)
        else:
            assert (await own_verba.ask("DeleteCall", callID=call.id)).code == 0
        assert own_files.of(call.id) == []


async def test_given_a_deleted_ongoing_call_when_the_service_is_killed_then_the_mark_holds(
    own_lab: RunningLab,
    own_api: ApiClient,
    own_verba: VerbaClient,
    own_files: RecordedFiles,
    own_audit: Audit,
) -> None:
    before = own_files.names()
    async with own_lab.phone("0003*212", answer="auto", tone_hz=700) as carol:
        async with recorded_call(own_lab, own_api, own_verba) as call:
            assert (await own_verba.ask("DeleteCall", callID=call.id)).code == 0
            await own_lab.bridge.kill()
            await own_lab.bridge.start()

            await call_goes_on(own_api, call)
            assert (await call.alice.transfer("212")).carried_out
            await call.bob.wait_tone(700)
            await carol.wait_tone(1000)
            await asyncio.sleep(1)  # time in which a new file would have appeared
            assert own_files.names() == before
            assert (await own_verba.ask("GetCallInformation", callID=call.id)).code == -50
        await own_audit.wait_removed(call.id)
    assert own_files.names() == before


async def test_given_a_recording_when_the_service_is_killed_then_it_goes_on_and_can_be_deleted(
    own_lab: RunningLab,
    own_api: ApiClient,
    own_verba: VerbaClient,
    own_files: RecordedFiles,
    own_audit: Audit,
) -> None:
    before = own_files.names()
    async with recorded_call(own_lab, own_api, own_verba) as call:
        await own_lab.bridge.kill()
        [file] = own_files.of(call.id)
        size = file.stat().st_size
        await own_files.wait_growing(call.id, size + 16_000)
        await own_lab.bridge.start()
        assert (await own_verba.ask("DeleteCall", callID=call.id)).code == 0
        await call_goes_on(own_api, call, for_s=1)
        assert own_files.names() == before
    await own_audit.wait_removed(call.id)


async def test_given_asterisk_is_down_when_deleted_then_an_error_and_later_nothing_is_left(
    own_lab: RunningLab,
    own_api: ApiClient,
    own_verba: VerbaClient,
    own_files: RecordedFiles,
    own_audit: Audit,
) -> None:
    finished = await finished_call(own_lab, own_api, own_verba, own_files)
    async with (
        own_lab.phone("0003*210", answer="auto", tone_hz=440),
        own_lab.phone("0003*211", answer="auto", tone_hz=1000),
    ):
        call_id = await own_api.place(["210"], ["211"], extension="210", recording="true")
        await own_api.wait_status(call_id, 5)
        record = await own_verba.conversation(call_id, ongoing=True)
        ongoing = record.findtext("ccdr_id", "")
        await own_files.wait_growing(ongoing, 8_000)
        await own_lab.asterisk.kill()
        await own_lab.bridge.wait_health(503)

        for conversation_id in (finished.id, ongoing):
            answer = await own_verba.ask("DeleteCall", callID=conversation_id)
            assert answer.code == -1, answer.text
            assert own_files.of(conversation_id)
            assert own_audit.record(conversation_id)

        await own_lab.asterisk.start()
        await own_lab.bridge.wait_ready()
    for conversation_id in (finished.id, ongoing):
        await own_audit.wait_removed(conversation_id)
        assert own_files.of(conversation_id) == []


async def test_given_two_requests_at_once_then_one_deletes_and_there_is_one_audit_line(
    own_lab: RunningLab,
    own_api: ApiClient,
    own_verba: VerbaClient,
    own_files: RecordedFiles,
    own_audit: Audit,
) -> None:
    call = await finished_call(own_lab, own_api, own_verba, own_files)

    answers = await asyncio.gather(*(own_verba.ask("DeleteCall", callID=call.id) for _ in range(5)))

    assert sorted(x.code for x in answers) == [-50, -50, -50, -50, 0]
    assert own_audit.lines(call.id)[0]["result"] == "deleted"
    assert len(own_audit.lines(call.id)) == 1
    logged = [
        x
        for x in own_lab.bridge.log_lines()
        if x.get("event") == "conversation_deleted" and x.get("conversation_id") == call.id
    ]
    assert len(logged) == 1


async def test_given_a_protected_call_when_deleted_then_refused_until_released(
    own_lab: RunningLab,
    own_api: ApiClient,
    own_verba: VerbaClient,
    own_files: RecordedFiles,
    own_audit: Audit,
) -> None:
    call = await finished_call(own_lab, own_api, own_verba, own_files)
    assert (await own_verba.ask("KeepCall", callID=call.id)).code == 0

    refused = await own_verba.ask("DeleteCall", callID=call.id)

    assert (refused.code, len(own_files.of(call.id))) == (-90, 1)
    assert "protected" in refused.message
    shown = await own_verba.ask("GetCallInformation", callID=call.id)
    assert shown.calls[0].findtext("do_not_delete") == "true"
    assert own_audit.lines(call.id) == []
    assert (await own_verba.ask("KeepCall", callID=call.id, unmark="1")).code == 0
    assert (await own_verba.ask("DeleteCall", callID=call.id)).code == 0
    assert own_files.of(call.id) == []


async def test_given_a_retention_when_deleted_then_refused_with_a_code_of_its_own(
    own_lab: RunningLab,
    own_api: ApiClient,
    own_verba: VerbaClient,
    own_files: RecordedFiles,
    own_audit: Audit,
    tmp_path: Path,
) -> None:
    call = await finished_call(own_lab, own_api, own_verba, own_files)
    kept = tmp_path / "directory.yaml"
    text = EXAMPLE_FILE.read_text()
    kept.write_text(text.replace("# recording_retention_days: 0", "recording_retention_days: 2", 1))
    own_lab.bridge.set("directory_file", str(kept))
    await own_lab.bridge.stop()
    await own_lab.bridge.start()

    refused = await own_verba.ask("DeleteCall", callID=call.id)

    assert (refused.code, len(own_files.of(call.id))) == (-91, 1)
    assert "2 days" in refused.message
    assert own_audit.lines(call.id) == []
    waiting = asyncio.create_task(own_verba.ask("DeleteCall", extension="211", status="next"))
    await asyncio.sleep(0.3)  # the request waits at the service: nothing says so
    async with recorded_call(own_lab, own_api, own_verba) as next_call:
        assert (await waiting).code == -91
        await own_files.wait_growing(next_call.id, 8_000)
    own_lab.bridge.set("directory_file", str(EXAMPLE_FILE))
    await own_lab.bridge.stop()
    await own_lab.bridge.start()
    for conversation_id in (call.id, next_call.id):
        assert (await own_verba.ask("DeleteCall", callID=conversation_id)).code == 0
