"""Deletion when something is in the way: nothing is ever half deleted and called done."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
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
from .recorded_call import RecordedCall, call_goes_on, finished_call, recorded_call
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


@dataclass(frozen=True)
class Own:
    """That lab, clients of it, and what it has on disk."""

    lab: RunningLab
    api: ApiClient
    verba: VerbaClient
    files: RecordedFiles
    audit: Audit

    async def finished_call(self) -> RecordedCall:
        return await finished_call(self.lab, self.api, self.verba, self.files)

    def recorded_call(self) -> AbstractAsyncContextManager[RecordedCall]:
        return recorded_call(self.lab, self.api, self.verba)


@pytest_asyncio.fixture(loop_scope="module")
async def own(own_lab: RunningLab) -> AsyncIterator[Own]:
    assert isinstance(own_lab.asterisk, LocalAsterisk)
    bridge = own_lab.bridge
    files = RecordedFiles(own_lab.asterisk.pbx.spool_dir)
    async with (
        own_lab.client() as api,
        VerbaClient(bridge.base_url, bridge.secret("verba-key/erasure")) as verba,
    ):
        yield Own(own_lab, api, verba, files, Audit(bridge.state_dir))
        await api.hang_up()


def _immutable(path: Path, *, on: bool) -> None:
    """Nobody can remove the file, not even root."""
    subprocess.run(["chattr", "+i" if on else "-i", str(path)], check=True, timeout=10)


async def test_given_a_file_without_write_permission_when_deleted_then_it_is_gone(own: Own) -> None:
    call = await own.finished_call()
    [file] = own.files.of(call.id)
    file.chmod(0o400)

    assert (await own.verba.ask("DeleteCall", callID=call.id)).code == 0

    assert not file.exists()


async def test_given_a_file_that_cannot_be_removed_then_an_error_and_the_background_finishes_it(
    own: Own,
) -> None:
    call = await own.finished_call()
    [file] = own.files.of(call.id)
    _immutable(file, on=True)
    try:
        for _ in range(2):
            answer = await own.verba.ask("DeleteCall", callID=call.id)
            assert (answer.code, file.exists()) == (-1, True)
            assert "marked for deletion; removing its files failed" in answer.message
        shown = await own.verba.ask("GetCallInformation", callID=call.id)
        assert shown.response.find("verbacdr/being_deleted") is not None
        assert (await own.verba.ask("GetMedia", callID=call.id)).code == -70
        [line] = own.audit.lines(call.id)
        assert (line["result"], line["done_ms"]) == ("being deleted", None)

        await own.lab.bridge.kill()
        await own.lab.bridge.start()
        assert own.audit.record(call.id)
    finally:
        _immutable(file, on=False)

    await own.audit.wait_removed(call.id)
    assert not file.exists()
    assert (await own.verba.ask("DeleteCall", callID=call.id)).code == -50


async def test_given_a_marked_conversation_when_the_service_starts_then_it_is_deleted_to_its_end(
    own: Own,
) -> None:
    """As after a kill between the removal of the file and that of the record."""
    call = await own.finished_call()
    [file] = own.files.of(call.id)
    _immutable(file, on=True)
    try:
        assert (await own.verba.ask("DeleteCall", callID=call.id)).code == -1
        await own.lab.bridge.kill()
    finally:
        _immutable(file, on=False)
    file.unlink()
    assert own.audit.record(call.id)

    await own.lab.bridge.start()

    await own.audit.wait_removed(call.id)


async def test_given_the_service_is_killed_while_it_deletes_then_the_file_goes_before_the_record(
    own: Own,
) -> None:
    for delay_s in (0.0, 0.004, 0.012):
        call = await own.finished_call()
        deleting = asyncio.create_task(own.verba.ask("DeleteCall", callID=call.id))
        await asyncio.sleep(delay_s)  # before, while and after it deletes
        await own.lab.bridge.kill()
        await asyncio.gather(deleting, return_exceptions=True)
        assert own.audit.record(call.id) or not own.files.of(call.id)
        marked = bool(own.audit.lines(call.id))
        await own.lab.bridge.start()
        if marked:
            await own.audit.wait_removed(call.id)
        else:
            assert (await own.verba.ask("DeleteCall", callID=call.id)).code == 0
        assert own.files.of(call.id) == []


async def test_given_a_deleted_ongoing_call_when_the_service_is_killed_then_the_mark_holds(
    own: Own,
) -> None:
    before = own.files.names()
    async with own.lab.phone("0003*212", answer="auto", tone_hz=700) as carol:
        async with own.recorded_call() as call:
            assert (await own.verba.ask("DeleteCall", callID=call.id)).code == 0
            await own.lab.bridge.kill()
            await own.lab.bridge.start()

            await call_goes_on(own.api, call)
            assert (await call.alice.transfer("212")).carried_out
            await call.bob.wait_tone(700)
            await carol.wait_tone(1000)
            await asyncio.sleep(1)  # time in which a new file would have appeared
            assert own.files.names() == before
            assert (await own.verba.ask("GetCallInformation", callID=call.id)).code == -50
        await own.audit.wait_removed(call.id)
    assert own.files.names() == before


async def test_given_a_recording_when_the_service_is_killed_then_it_goes_on_and_can_be_deleted(
    own: Own,
) -> None:
    before = own.files.names()
    async with own.recorded_call() as call:
        await own.lab.bridge.kill()
        [file] = own.files.of(call.id)
        size = file.stat().st_size
        await own.files.wait_growing(call.id, size + 16_000)
        await own.lab.bridge.start()
        assert (await own.verba.ask("DeleteCall", callID=call.id)).code == 0
        await call_goes_on(own.api, call, for_s=1)
        assert own.files.names() == before
    await own.audit.wait_removed(call.id)


async def test_given_asterisk_is_down_when_deleted_then_an_error_and_later_nothing_is_left(
    own: Own,
) -> None:
    finished = await own.finished_call()
    async with (
        own.lab.phone("0003*210", answer="auto", tone_hz=440),
        own.lab.phone("0003*211", answer="auto", tone_hz=1000),
    ):
        call_id = await own.api.place(["210"], ["211"], extension="210", recording="true")
        await own.api.wait_status(call_id, 5)
        record = await own.verba.conversation(call_id, ongoing=True)
        ongoing = record.findtext("ccdr_id", "")
        await own.files.wait_growing(ongoing, 8_000)
        await own.lab.asterisk.kill()
        await own.lab.bridge.wait_health(503)

        for conversation_id in (finished.id, ongoing):
            answer = await own.verba.ask("DeleteCall", callID=conversation_id)
            assert answer.code == -1, answer.text
            assert own.files.of(conversation_id)
            assert own.audit.record(conversation_id)

        await own.lab.asterisk.start()
        await own.lab.bridge.wait_ready()
    for conversation_id in (finished.id, ongoing):
        await own.audit.wait_removed(conversation_id)
        assert own.files.of(conversation_id) == []


async def test_given_two_requests_at_once_then_one_deletes_and_there_is_one_audit_line(
    own: Own,
) -> None:
    call = await own.finished_call()

    answers = await asyncio.gather(*(own.verba.ask("DeleteCall", callID=call.id) for _ in range(5)))

    assert sorted(x.code for x in answers) == [-50, -50, -50, -50, 0]
    assert own.audit.lines(call.id)[0]["result"] == "deleted"
    assert len(own.audit.lines(call.id)) == 1
    logged = [
        x
        for x in own.lab.bridge.log_lines()
        if x.get("event") == "conversation_deleted" and x.get("conversation_id") == call.id
    ]
    assert len(logged) == 1


async def test_given_a_protected_call_when_deleted_then_refused_until_released(own: Own) -> None:
    call = await own.finished_call()
    assert (await own.verba.ask("KeepCall", callID=call.id)).code == 0

    refused = await own.verba.ask("DeleteCall", callID=call.id)

    assert (refused.code, len(own.files.of(call.id))) == (-90, 1)
    assert "protected" in refused.message
    shown = await own.verba.ask("GetCallInformation", callID=call.id)
    assert shown.calls[0].findtext("do_not_delete") == "true"
    assert own.audit.lines(call.id) == []
    assert (await own.verba.ask("KeepCall", callID=call.id, unmark="1")).code == 0
    assert (await own.verba.ask("DeleteCall", callID=call.id)).code == 0
    assert own.files.of(call.id) == []


async def test_given_a_retention_when_deleted_then_refused_with_a_code_of_its_own(
    own: Own, tmp_path: Path
) -> None:
    call = await own.finished_call()
    kept = tmp_path / "directory.yaml"
    text = EXAMPLE_FILE.read_text()
    kept.write_text(text.replace("# recording_retention_days: 0", "recording_retention_days: 2", 1))
    own.lab.bridge.set("directory_file", str(kept))
    await own.lab.bridge.stop()
    await own.lab.bridge.start()

    refused = await own.verba.ask("DeleteCall", callID=call.id)

    assert (refused.code, len(own.files.of(call.id))) == (-91, 1)
    assert "2 days" in refused.message
    assert own.audit.lines(call.id) == []
    waiting = asyncio.create_task(own.verba.ask("DeleteCall", extension="211", status="next"))
    await asyncio.sleep(0.3)  # the request waits at the service: nothing says so
    async with own.recorded_call() as next_call:
        assert (await waiting).code == -91
        await own.files.wait_growing(next_call.id, 8_000)
    own.lab.bridge.set("directory_file", str(EXAMPLE_FILE))
    await own.lab.bridge.stop()
    await own.lab.bridge.start()
    for conversation_id in (call.id, next_call.id):
        assert (await own.verba.ask("DeleteCall", callID=conversation_id)).code == 0
