"""The way of a command to the rows of leases and instances."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.cluster.lease_connection import LeaseConnection
from bridge.cluster.lease_store import LeaseStore, OwnInstance
from bridge.cluster.lease_times import LeaseTimes
from bridge.cluster.pbx_states import TOLD_WITHIN_S, read_states, set_draining
from bridge.cluster.placement_choice import PbxState
from bridge.cluster.placement_moves import move
from bridge.command.cluster.lag import LIVE_CALLS, WAITING, cluster_lag
from bridge.command.cluster.state import ClusterState, cluster_state
from bridge.config.pbx_entries import settings_of_pbxs
from bridge.config.settings import Settings
from bridge.storage.engine import open_engine, reading
from bridge.storage.shared_changes import CHANNEL

ANSWER_S = 4.0

_PLACED = "SELECT pbx, count(*) AS organizations FROM placements GROUP BY pbx"


_LIVE = "SELECT count(*) AS calls FROM calls WHERE pbx = $1 AND ended_ms IS NULL"
_HINT = f"SELECT pg_notify('{CHANNEL}', '')"


class NotACluster(Exception):
    """The settings name no database that several instances could share."""


class ClusterDatabase:
    """Reads the state, and tells an instance to drain. All raise StorageUnavailable."""

    def __init__(
        self, engine: AsyncEngine, connection: LeaseConnection, pbx_names: Sequence[str]
    ) -> None:
        self._engine = engine
        self._connection = connection
        self._rows = LeaseStore(connection, OwnInstance("", "", "", ""), LeaseTimes())
        self._pbx_names = pbx_names

    async def state(self) -> ClusterState:
        """As it is now."""
        seen = await self._rows.look()
        placed = await self._connection.ask(_PLACED)
        state = cluster_state(seen, self._pbx_names, {x["pbx"]: x["organizations"] for x in placed})
        async with reading(self._engine) as connection:
            names = [x.name for x in state.pbxs]
            return replace(state, pbx_states=tuple(await read_states(connection, names)))

    async def with_lag(self, state: ClusterState) -> ClusterState:
        """The state with what is behind, which is more to count."""
        live_calls = await self._connection.ask(LIVE_CALLS)
        return replace(state, lag=cluster_lag(live_calls, await self._connection.ask(WAITING)))

    async def set_draining(self, name: str, draining: bool) -> bool:
        """Whether an instance of this name lives, and was told."""
        return await self._rows.set_draining(name, draining)

    async def set_pbx_draining(self, name: str, draining: bool) -> bool:
        """Say whether the PBX shall have organizations; False if there is no PBX of this name."""
        if name not in (x.name for x in (await self.state()).pbxs):
            return False
        async with reading(self._engine) as connection:
            await set_draining(connection, name, draining)
            await connection.commit()
        return True

    async def move_away(self, name: str) -> list[PbxState]:
        """Move the organizations of a draining PBX to those that work; returns all PBXs.

        Without any instance that lives, the last word about a PBX counts.
        """
        state = await self.state()
        nobody_knows = not any(x.lives for x in state.instances)
        within_s = math.inf if nobody_knows else TOLD_WITHIN_S
        async with reading(self._engine) as connection:
            states = await read_states(connection, [x.name for x in state.pbxs], within_s)
            # Another PBX that is down is the business of the instances.
            moved = await move(connection, [x for x in states if x.name == name or not x.is_left])
            await connection.commit()
        if moved:
            await self._connection.ask(_HINT)
        return states

    async def left_on(self, name: str) -> tuple[int, int]:
        """How many organizations are placed on the PBX, and how many live calls it has."""
        placed = (await self.state()).organizations.get(name, 0)
        return placed, (await self._connection.ask(_LIVE, name))[0]["calls"]


@asynccontextmanager
async def cluster_database(settings: Settings) -> AsyncIterator[ClusterDatabase]:
    """The database of these settings. Raises NotACluster."""
    if not settings.database_url.startswith("postgresql"):
        raise NotACluster("BRIDGE_DATABASE_URL names no PostgreSQL: there is one instance")
    engine = open_engine(settings.database_url)
    connection = LeaseConnection(engine, "uapi-bridge cluster", ANSWER_S)
    try:
        yield ClusterDatabase(engine, connection, [x.pbx_name for x in settings_of_pbxs(settings)])
    finally:
        await connection.close()
        await engine.dispose()
