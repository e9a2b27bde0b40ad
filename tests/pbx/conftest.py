"""What the tests of every lab share. Each folder has a session fixture `lab` of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab


@pytest_asyncio.fixture(loop_scope="session")
async def api(lab: RunningLab) -> AsyncIterator[ApiClient]:
    """The app of user 12, which may create calls; what a test leaves of them is hung up."""
    async with lab.client() as client:
        yield client
        await client.leave_no_call()
