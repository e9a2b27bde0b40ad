"""One service for the tests of the console; its PBX is a script."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ..whole_service import WholeService, whole_service


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeService]:
    folder = tmp_path_factory.mktemp("console")
    async with whole_service(folder, wrong_secrets_per_client_max=5) as running:
        yield running
