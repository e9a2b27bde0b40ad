"""The rows of leases and instances. Each change is one statement, by the database's clock alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from bridge.cluster.instances import Instance
from bridge.cluster.lease import Lease
from bridge.cluster.lease_connection import LeaseConnection, Row
from bridge.cluster.lease_times import LeaseTimes
from bridge.faults import StorageUnavailable

CHANNEL = "bridge_leases"
"""Hints here name a lease that was won or released, or an instance that shall drain."""

FORGET_MS = 24 * 3600 * 1000
"""An instance that has been silent for so long is not listed any more."""

_NOW_MS = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"


@dataclass(frozen=True, slots=True)
class SeenLease:
    """A row of `leases` as read. `holder` is empty if the last one released it.

    `over`: it has run out, by the database's clock.
    """

    resource: str
    holder: str
    epoch: int
    url: str
    expires_ms: int
    over: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """All that one look has read. `pushed_hash`: of the directory that was pushed last, or ""."""

    leases: dict[str, SeenLease]
    instances: tuple[Instance, ...]
    pushed_hash: str = ""


@dataclass(frozen=True, slots=True)
class Renewal:
    """The outcome of a renewal. `draining` is None if the row of this process is gone.

    `renewed`: the resources that this instance still has.
    """

    draining: bool | None
    renewed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Registration:
    """`done`: the process has the name now. `beat_ms`: of another process that has it."""

    done: bool
    beat_ms: int


@dataclass(frozen=True, slots=True)
class OwnInstance:
    """This instance as the others read it. `process` is new in each process."""

    name: str
    url: str
    process: str
    version: str


class LeaseRows(Protocol):
    """The rows, as the keeper needs them. All raise StorageUnavailable."""

    @property
    def up_since_s(self) -> float: ...

    async def register(self, beat_ms_seen: int) -> Registration:
        """Have the name, if no process has it that lives. `beat_ms_seen`: see `SeenLease`."""

    async def renew(
        self, mine: Collection[Lease], directory_hash: str, write_lag_ms: int = 0
    ) -> Renewal:
        """Say that this instance lives, and renew these; also one that has run out meanwhile."""

    async def look(self) -> Seen: ...

    async def claim(self, resource: str, seen: SeenLease | None) -> Lease | None:
        """Take a lease that is free, or unchanged since it was seen; None if it is neither.

        None also while a commit of its holder is under way.
        """

    async def release(self, lease: Lease) -> None:
        """Free it for others at once, if this instance still has it."""

    async def leave(self) -> None:
        """Say that this instance has ended."""

    async def set_draining(self, name: str, draining: bool) -> bool:
        """Whether there is an instance of this name that lives."""


class LeaseStore:
    """Implements `LeaseRows` in PostgreSQL."""

    def __init__(self, connection: LeaseConnection, own: OwnInstance, times: LeaseTimes) -> None:
        self._connection = connection
        self._own = own
        self._ttl_ms = int(times.ttl_s * 1000)
        connection.listen_to(CHANNEL)

    @property
    def up_since_s(self) -> float:
        return self._connection.up_since_s

    async def register(self, beat_ms_seen: int) -> Registration:
        own = self._own
        row = (
            await self._connection.ask(
                _REGISTER,
                *(own.name, own.url, own.version, own.process, self._ttl_ms, beat_ms_seen),
                FORGET_MS,
            )
        )[0]
        return Registration(row["done"], row["beat_ms"] or 0)

    async def renew(
        self, mine: Collection[Lease], directory_hash: str, write_lag_ms: int = 0
    ) -> Renewal:
        own = self._own
        resources, epochs = [x.resource for x in mine], [x.epoch for x in mine]
        row = (
            await self._connection.ask(
                _RENEW,
                *(own.name, own.process, directory_hash, self._ttl_ms, resources, epochs),
                write_lag_ms,
            )
        )[0]
        draining = None if row["draining"] is None else bool(row["draining"])
        return Renewal(draining, frozenset(row["renewed"]))

    async def look(self) -> Seen:
        leases = await self._connection.ask(_LEASES)
        instances = await self._connection.ask(_INSTANCES, self._ttl_ms, FORGET_MS)
        return Seen(
            {x["resource"]: SeenLease(**dict(x)) for x in leases},
            tuple(_instance(x) for x in instances),
            (instances[0]["pushed_hash"] or "") if instances else "",
        )

    async def claim(self, resource: str, seen: SeenLease | None) -> Lease | None:
        own = self._own
        unchanged = (-1, -1) if seen is None else (seen.epoch, seen.expires_ms)
        claim = (_CLAIM, resource, own.name, own.url, self._ttl_ms, *unchanged, CHANNEL)
        try:
            rows = await self._connection.ask(*claim)
            if not rows and await self._connection.ask(_MAKE, resource):
                rows = await self._connection.ask(*claim)
        except StorageUnavailable as error:
            if error.timed_out and self._connection.is_up:
                return None
            raise
        return Lease(resource, own.name, rows[0]["epoch"], own.url) if rows else None

    async def release(self, lease: Lease) -> None:
        await self._connection.ask(_RELEASE, lease.resource, self._own.name, lease.epoch, CHANNEL)

    async def leave(self) -> None:
        await self._connection.ask(_LEAVE, self._own.name, self._own.process, CHANNEL)

    async def set_draining(self, name: str, draining: bool) -> bool:
        return bool(await self._connection.ask(_DRAIN, name, int(draining), self._ttl_ms, CHANNEL))


def _instance(row: Row) -> Instance:
    return Instance(
        row["name"],
        row["url"],
        row["lives"],
        max(0, row["silent_ms"]),
        bool(row["draining"]),
        row["directory_hash"],
        row["version"],
        row["write_lag_ms"],
        row["pushed_hash"] not in (None, row["directory_hash"]),
    )


_REGISTER = f"""
WITH moment AS MATERIALIZED (SELECT {_NOW_MS} AS ms),
forgotten AS (
    DELETE FROM instances USING moment WHERE name <> $1 AND beat_ms < moment.ms - $7
),
registered AS (
    INSERT INTO instances AS i (name, url, beat_ms, draining, directory_hash, version, process)
    SELECT $1, $2, moment.ms, 0, '', $3, $4 FROM moment
    ON CONFLICT (name) DO UPDATE
    SET url = excluded.url, beat_ms = excluded.beat_ms, draining = 0, version = excluded.version,
        process = excluded.process
    WHERE i.process = $4 OR i.beat_ms < excluded.beat_ms - $5 OR i.beat_ms = $6
    RETURNING 1
)
SELECT EXISTS (SELECT FROM registered) AS done,
    (SELECT beat_ms FROM instances WHERE name = $1) AS beat_ms
"""  # noqa: S608

# The update of a lease changes no column of a unique index. So it passes the guards of writers,
# which hold the key.
_RENEW = f"""
WITH moment AS MATERIALIZED (SELECT {_NOW_MS} AS ms),
beat AS (
    UPDATE instances SET beat_ms = moment.ms, directory_hash = $3, write_lag_ms = $7
    FROM moment
    WHERE name = $1 AND process = $2
    RETURNING draining
),
renewed AS (
    UPDATE leases SET expires_ms = moment.ms + $4
    FROM moment, unnest($5::text[], $6::bigint[]) AS mine (resource, epoch)
    WHERE leases.resource = mine.resource AND leases.epoch = mine.epoch AND leases.holder = $1
        AND EXISTS (SELECT FROM beat)
    RETURNING leases.resource
)
SELECT (SELECT draining FROM beat) AS draining,
    ARRAY(SELECT resource FROM renewed) AS renewed
"""  # noqa: S608

_LEASES = f"""
SELECT resource, holder, epoch, url, expires_ms, expires_ms < {_NOW_MS} AS over FROM leases
"""  # noqa: S608

_INSTANCES = f"""
SELECT name, url, draining, directory_hash, version, write_lag_ms,
    {_NOW_MS} - beat_ms AS silent_ms,
    beat_ms > {_NOW_MS} - $1 AS lives,
    (SELECT hash FROM shared_directories ORDER BY version DESC LIMIT 1) AS pushed_hash
FROM instances WHERE beat_ms > {_NOW_MS} - $2 ORDER BY name
"""  # noqa: S608

# The row of a resource is made free. An INSERT that claims would meet two unique indexes, and an
# ON CONFLICT DO UPDATE settles one of them only.
_MAKE = """
INSERT INTO leases (resource, holder, epoch, expires_ms, url) VALUES ($1, '', 0, 0, '')
ON CONFLICT DO NOTHING RETURNING resource
"""

# A lease that has run out is taken with the expiry that the claimer has watched, and not by the
# clock: a renewal meanwhile, or a jump of the clock, lets the claim find nothing. PostgreSQL looks
# at the row again once it has the lock. So of two claims one finds nothing.
_CLAIM = f"""
WITH claimed AS (
    UPDATE leases
    SET holder = $2, epoch = epoch + 1, expires_ms = {_NOW_MS} + $4, url = $3
    WHERE resource = $1 AND (holder = '' OR (epoch = $5 AND expires_ms = $6))
    RETURNING epoch
)
SELECT epoch, pg_notify($7, $1) FROM claimed
"""  # noqa: S608

_RELEASE = f"""
WITH released AS (
    UPDATE leases SET holder = '', url = '', expires_ms = {_NOW_MS}
    WHERE resource = $1 AND holder = $2 AND epoch = $3
    RETURNING resource
)
SELECT pg_notify($4, resource) FROM released
"""  # noqa: S608

_LEAVE = """
WITH ended AS (
    UPDATE instances SET beat_ms = 0 WHERE name = $1 AND process = $2 RETURNING name
)
SELECT pg_notify($3, name) FROM ended
"""

_DRAIN = f"""
WITH told AS (
    UPDATE instances SET draining = $2 WHERE name = $1 AND beat_ms > {_NOW_MS} - $3 RETURNING name
)
SELECT pg_notify($4, name) FROM told
"""  # noqa: S608
