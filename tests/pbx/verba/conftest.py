"""One lab for the tests of recording and of the Verba API."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.local_asterisk.local_asterisk import LocalAsterisk
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.toolchain import ensure_phone_tools
from bridge.testing.verba_client import VerbaClient

from .audit import Audit
from .recorded_files import RecordedFiles

QUICK = {"recording_retry_s": "0.5", "verba_next_call_wait_s": "6"}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    ensure_phone_tools()
    async with await open_lab(tmp_path_factory.mktemp("lab"), QUICK) as lab:
        yield lab


@pytest_asyncio.fixture(loop_scope="session")
async def verba(lab: RunningLab) -> AsyncIterator[VerbaClient]:
    async with VerbaClient(lab.bridge.base_url, lab.bridge.secret("verba-key/erasure")) as client:
        yield client


@pytest.fixture
def files(lab: RunningLab) -> RecordedFiles:
    assert isinstance(lab.asterisk, LocalAsterisk)
    return RecordedFiles(lab.asterisk.pbx.spool_dir)


@pytest.fixture
def audit(lab: RunningLab) -> Audit:
    return Audit(lab.bridge.state_dir)
