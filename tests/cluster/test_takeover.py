"""The instance that holds the PBX stops, dies or freezes: another one has its calls soon."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from .running_cluster import RunningCluster, open_cluster

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningCluster]:
    async with open_cluster(tmp_path_factory.mktemp("short"), ["a", "b"]) as running:
        yield running


async def test_given_the_holder_is_told_to_stop_then_the_other_has_the_pbx_within_moments(
    cluster: RunningCluster,
) -> None:
    before = await cluster.wait_held("a")
    cluster.kill("a", signal.SIGTERM)
    after = await cluster.wait_held("b", time_limit_s=4.0)
    assert after.epoch == before.epoch + 1
