"""One lab for the tests of the stream; the public network is both sides of their calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bridge.directory.loader import EXAMPLE_FILE
from bridge.testing.lab.running_lab import RunningLab, open_lab


@pytest.fixture(scope="session")
def directory_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("stream-directory") / "directory.yaml"
    file.write_text(EXAMPLE_FILE.read_text())
    return file


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab(
    tmp_path_factory: pytest.TempPathFactory, directory_file: Path
) -> AsyncIterator[RunningLab]:
    settings = {"directory_file": str(directory_file), "call_streams_per_app_max": "8"}
    async with await open_lab(tmp_path_factory.mktemp("stream-lab"), settings) as lab:
        yield lab
