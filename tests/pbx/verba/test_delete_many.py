"""200 conversations deleted at once while calls go on: nothing left over, nothing else touched."""

from __future__ import annotations

import asyncio
import sys
import time

import pytest

from bridge.local_asterisk.local_asterisk import LocalAsterisk
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import open_lab
from bridge.testing.softphones.toolchain import ensure_phone_tools
from bridge.testing.verba_client import VerbaClient

from .audit import Audit
from .conftest import QUICK
from .recorded_call import call_goes_on, recorded_call
from .recorded_files import RecordedFiles

_COUNT, _BATCH, _KEPT = 200, 25, 5
_LIMITS = {"calls_per_extension_max": "100", "calls_per_user_max": "100"}


async def _finished_calls(api: ApiClient, verba: VerbaClient, count: int) -> list[str]:
    """So many short recorded calls; the ids of their conversations."""
    query = {"extension": "212", "recording": "true", "callDuration": "1"}
    ids = [await api.place(["212"], ["3235550201"], **query) for _ in range(count)]
    records = [await verba.conversation(call_id, ongoing=False) for call_id in ids]
    return [x.findtext("ccdr_id", "") for x in records]


@pytest.mark.timeout(300)
async def test_given_200_conversations_when_deleted_at_once_then_only_they_are_gone(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    ensure_phone_tools()
    lab = await open_lab(tmp_path_factory.mktemp("many"), QUICK | _LIMITS)
    assert isinstance(lab.asterisk, LocalAsterisk)
    files, audit = RecordedFiles(lab.asterisk.pbx.spool_dir), Audit(lab.bridge.state_dir)
    key = lab.bridge.secret("verba-key/erasure")
    try:
        async with (
            lab.client() as api,
            VerbaClient(lab.bridge.base_url, key) as verba,
            lab.scripted("0003*212"),
        ):
            kept = await _finished_calls(api, verba, _KEPT)
            kept_files = {x.name: x.read_bytes() for one in kept for x in files.of(one)}
            doomed: list[str] = []
            while len(doomed) < _COUNT:
                doomed += await _finished_calls(api, verba, _BATCH)
            async with recorded_call(lab, api, verba) as call:
                began = time.perf_counter()

                answers = await asyncio.gather(
                    *(verba.ask("DeleteCall", callID=one) for one in doomed)
                )

                took_s = time.perf_counter() - began
                assert [x.code for x in answers] == [0] * _COUNT
                await call_goes_on(api, call)
                await files.wait_growing(call.id, 32_000)
            await verba.conversation(call.call_id, ongoing=False)
            for one in doomed:
                await audit.wait_removed(one)
            left = {*kept, call.id}
            assert audit.conversations() == left
            assert files.names() == {f"recording/{one}-1.wav" for one in left}
            assert {x.name: x.read_bytes() for one in kept for x in files.of(one)} == kept_files
            with capsys.disabled():
                sys.stdout.write(f"\n{_COUNT} conversations deleted in {took_s:.2f} s\n")
    finally:
        await lab.close()
