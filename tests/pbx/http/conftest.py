"""One lab for the HTTP tests; no phone is registered in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.testing.lab.running_lab import RunningLab, open_lab


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    async with await open_lab(tmp_path_factory.mktemp("http-lab")) as lab:
        yield lab
