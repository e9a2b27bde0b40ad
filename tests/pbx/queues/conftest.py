"""One lab with queues of its own for these tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.toolchain import ensure_phone_tools


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    ensure_phone_tools()
    async with await open_lab(tmp_path_factory.mktemp("queues")) as lab:
        yield lab
