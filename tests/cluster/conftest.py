"""One cluster for all tests of a file."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.integration.storage.private_postgresql import PrivatePostgresql

from .lab.cluster import Cluster, open_cluster


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(
    postgresql: PrivatePostgresql, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Cluster]:
    async with open_cluster(tmp_path_factory.mktemp("short"), postgresql) as made:
        yield made
