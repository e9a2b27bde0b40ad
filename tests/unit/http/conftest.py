"""One service for all tests of a file, which may have others of the same name."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.testing.lab.api_client import ApiClient

from .whole_service import WholeService, whole_service


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeService]:
    async with whole_service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(running: WholeService) -> AsyncIterator[ApiClient]:
    """The app of user 12."""
    async with running.client() as api:
        yield api


@pytest_asyncio.fixture(loop_scope="module")
async def live_call(running: WholeService, api: ApiClient) -> AsyncIterator[str]:
    """The id of a call of 210 to 211 that the PBX has taken; it says nothing more."""
    call_id = await api.place("210", "211", extension="210")
    yield call_id
    await api.hang_up("@self", call_id)
    await running.refuse_last()
    await api.wait_ended(call_id)
