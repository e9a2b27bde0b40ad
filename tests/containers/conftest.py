"""The lab of containers for the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.softphones.toolchain import ensure_phone_tools

from .compose_system import ComposeSystem
from .container_lab import ContainerLab


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab(
    compose_system: ComposeSystem, tmp_path_factory: pytest.TempPathFactory
) -> ContainerLab:
    ensure_phone_tools()
    return ContainerLab(compose_system, tmp_path_factory.mktemp("lab"))


@pytest_asyncio.fixture(loop_scope="session")
async def api(lab: ContainerLab) -> AsyncIterator[ApiClient]:
    """The app of user 12."""
    async with lab.client() as client:
        yield client
        await client.leave_no_call()
