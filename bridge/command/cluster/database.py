"""The way of a command to the rows of leases and instances."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bridge.cluster.lease_connection import LeaseConnection
from bridge.cluster.lease_store import LeaseStore, OwnInstance
from bridge.cluster.lease_times import LeaseTimes
from bridge.command.cluster.state import ClusterState, cluster_state
from bridge.config.pbx_entries import settings_of_pbxs
from bridge.config.settings import Settings
from bridge.storage.engine import open_engine

ANSWER_S = 4.0

_PLACED = "SELECT pbx, count(*) AS organizations FROM placements GROUP BY pbx"


class NotACluster(Exception):
    """The settings name no database that several instances could share."""


class ClusterDatabase:
    """Reads the state, and tells an instance to drain. All raise StorageUnavailable."""

    def __init__(self, connection: LeaseConnection, pbx_names: Sequence[str]) -> None:
        self._connection = connection
        self._rows = LeaseStore(connection, OwnInstance("", "", "", ""), LeaseTimes())
        self._pbx_names = pbx_names

    async def state(self) -> ClusterState:
        """As it is now."""
        seen = await self._rows.look()
        placed = await self._connection.ask(_PLACED)
        return cluster_state(seen, self._pbx_names, {x["pbx"]: x["organizations"] for x in placed})

    async def set_draining(self, name: str, draining: bool) -> bool:
        """Whether an instance of this name lives, and was told."""
        return await self._rows.set_draining(name, draining)


@asynccontextmanager
async def cluster_database(settings: Settings) -> AsyncIterator[ClusterDatabase]:
    """The database of these settings. Raises NotACluster."""
    if not settings.database_url.startswith("postgresql"):
        raise NotACluster("BRIDGE_DATABASE_URL names no PostgreSQL: there is one instance")
    engine = open_engine(settings.database_url)
    connection = LeaseConnection(engine, "uapi-bridge cluster", ANSWER_S)
    try:
        yield ClusterDatabase(connection, [x.pbx_name for x in settings_of_pbxs(settings)])
    finally:
        await connection.close()
        await engine.dispose()
