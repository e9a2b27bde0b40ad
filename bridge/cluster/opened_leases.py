"""The leases and hints of one instance, made and ended together."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.cluster.hints import PostgresqlHints
from bridge.cluster.lease_connection import LeaseConnection, since_boot_s
from bridge.cluster.lease_keeper import LeaseKeeper
from bridge.cluster.lease_store import CHANNEL, LeaseStore, OwnInstance
from bridge.cluster.lease_times import LeaseTimes


@dataclass(frozen=True, slots=True)
class OpenedLeases:
    """`keeper` claims nothing until it is started: first its listeners have to be told to it."""

    keeper: LeaseKeeper
    hints: PostgresqlHints


@asynccontextmanager
async def opened_leases(
    engine: AsyncEngine,
    name: str,
    url: str,
    resources: Collection[str],
    *,
    version: str = "",
    directory_hash: Callable[[], str] = lambda: "",
    times: LeaseTimes | None = None,
    clock: Callable[[], float] = since_boot_s,
) -> AsyncIterator[OpenedLeases]:
    """Those of the instance `name`, which the others reach at `url`; handed over at the end.

    The database of `engine` is PostgreSQL; it need not answer yet.
    """
    times = times or LeaseTimes()
    own = OwnInstance(name, url, secrets.token_hex(8), version)
    connection = LeaseConnection(engine, f"uapi-bridge {name} leases", times.answer_s, clock)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(connection.close)
        hints = PostgresqlHints(connection)
        hints.start()
        stack.push_async_callback(hints.stop)
        keeper = LeaseKeeper(
            LeaseStore(connection, own, times),
            name,
            resources,
            directory_hash=directory_hash,
            times=times,
            clock=clock,
        )
        hints.listen(CHANNEL, keeper.hear)
        connection.at_loss(keeper.connection_lost)
        stack.push_async_callback(keeper.stop)
        yield OpenedLeases(keeper, hints)
