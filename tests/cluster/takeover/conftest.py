"""Two instances and one Asterisk for the stories of a restart, in the place of one service."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.cluster.takeover_lab import open_takeover_lab
from tests.pbx.calls.proxied_lab import ProxiedLab, client_of


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def proxied(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProxiedLab]:
    async with open_takeover_lab(tmp_path_factory.mktemp("short")) as lab:
        yield lab


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(proxied: ProxiedLab) -> RunningLab:
    return proxied.lab


@pytest_asyncio.fixture(loop_scope="session")
async def api(proxied: ProxiedLab) -> AsyncIterator[ApiClient]:
    async with client_of(proxied) as client:
        yield client
