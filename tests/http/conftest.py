"""One lab for the HTTP tests; no phone is registered in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.lab.api_client import ApiClient
from tests.lab.running_lab import RunningLab, open_lab


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    lab = await open_lab(tmp_path_factory.mktemp("http-lab"))
    try:
        yield lab
    finally:
        await lab.close()


@pytest_asyncio.fixture(loop_scope="session")
async def api(lab: RunningLab) -> AsyncIterator[ApiClient]:
    """The app of user 12."""
    async with lab.client() as client:
        yield client
        await client.leave_no_call()
