"""One lab for all tests of calls, and a client of it that hangs up what a test leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.toolchain import ensure_phone_tools
from tests.containers.container_lab import ContainerLab


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[RunningLab]:
    ensure_phone_tools()
    folder = tmp_path_factory.mktemp("lab")
    if request.config.getoption("--compose"):
        yield ContainerLab(request.getfixturevalue("compose_system"), folder)
        return
    async with await open_lab(folder) as lab:
        yield lab


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def quiet_public_network(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """No call of a test lives on in the public network when the next one looks there."""
    yield
    if "lab" in request.fixturenames:
        lab: RunningLab = request.getfixturevalue("lab")
        await lab.asterisk.hang_up_public_network()
