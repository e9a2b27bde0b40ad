"""Who can read what Asterisk keeps: recordings of calls, and the phones' passwords."""

from __future__ import annotations

import pytest

from bridge.local_asterisk.local_asterisk import LocalAsterisk
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.verba_client import VerbaClient

from .recorded_call import finished_call
from .recorded_files import RecordedFiles

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_given_a_recorded_call_when_it_is_stored_then_only_its_owner_can_read_it(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, files: RecordedFiles
) -> None:
    call = await finished_call(lab, api, verba, files)
    assert isinstance(lab.asterisk, LocalAsterisk)
    [recording] = files.of(call.id)
    [database] = lab.asterisk.pbx.folder.glob("var/astdb.sqlite3")
    modes = {x.name: oct(x.stat().st_mode & 0o777) for x in (recording, database)}
    assert modes == {recording.name: "0o600", database.name: "0o600"}
