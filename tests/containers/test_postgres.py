"""The profile `postgres`: the same service on another database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.pbx.calls.live_calls import public_call, wait_statuses

from .command import CommandFailedError
from .compose_system import ComposeSystem
from .container_lab import ContainerLab

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(
    compose_system: ComposeSystem, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ContainerLab]:
    system = compose_system.another("postgres", {"COMPOSE_PROFILES": "postgres"})
    try:
        await asyncio.to_thread(system.up)
        yield ContainerLab(system, tmp_path_factory.mktemp("postgres"))
    finally:
        await asyncio.to_thread(system.remove)


async def test_given_the_profile_when_a_call_is_made_then_it_is_in_postgresql_after_down_and_up(
    lab: ContainerLab,
) -> None:
    async with lab.client() as api:
        call_id = await public_call(api)
        await wait_statuses(api, call_id, 5, 5)
        await api.hang_up("210", call_id)
        record = await api.wait_ended(call_id)

        await asyncio.to_thread(lab.system.down)
        await asyncio.to_thread(lab.system.up)

        assert await api.wait_ended(call_id) == record
    found = lab.system.exec(
        *("database", "psql", "--host=/tmp", "--dbname=bridge", "--tuples-only"),
        "--command=SELECT id FROM calls",
    )
    assert found.split() == [call_id]
    assert "bridge.db" not in lab.system.exec("bridge", "ls", "/state")


async def test_given_the_profile_when_up_then_the_database_asks_for_its_generated_password(
    lab: ContainerLab,
) -> None:
    assert lab.system.published("database") == set()
    assert lab.system.exec("database", "id", "-u").strip() != "0"
    refused = lab.system.exec(
        *("database", "psql", "--host=database", "--username=bridge", "--no-password"),
        *("--dbname=bridge", "--command=SELECT 1"),
        check=False,
    )
    assert "1" not in refused


async def test_given_the_profile_as_an_option_only_when_up_then_it_is_refused_with_the_way(
    compose_system: ComposeSystem,
) -> None:
    """The service would not know of its database."""
    system = compose_system.another("option", {})
    try:
        with pytest.raises(CommandFailedError, match="COMPOSE_PROFILES=postgres"):
            await asyncio.to_thread(system.up_with_profile_option)
    finally:
        await asyncio.to_thread(system.remove)
