"""The rows of leases and instances in memory, as the database would change them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import TypeVar

from bridge.cluster.instances import Instance
from bridge.cluster.lease import Lease
from bridge.cluster.lease_store import OwnInstance, Registration, Renewal, Seen, SeenLease
from bridge.cluster.lease_times import LeaseTimes
from bridge.faults import StorageUnavailable

ANSWER_S = 0.002
_Answer = TypeVar("_Answer")


@dataclass
class _Row:
    holder: str
    epoch: int
    expires_ms: int
    url: str


@dataclass
class _InstanceRow:
    url: str
    beat_ms: int
    draining: bool
    directory_hash: str
    version: str
    process: str
    write_lag_ms: int = 0


@dataclass
class FakeTable:
    """One database. `clock_ahead_ms`: how far its clock is ahead of the time of the loop."""

    leases: dict[str, _Row] = field(default_factory=dict)
    instances: dict[str, _InstanceRow] = field(default_factory=dict)
    clock_ahead_ms: int = 1_000_000
    is_down: bool = False
    pushed_hash: str = ""

    def now_ms(self) -> int:
        return int(asyncio.get_running_loop().time() * 1000) + self.clock_ahead_ms

    def copy(self) -> dict[str, _Row]:
        """The leases as a backup would have them."""
        return {x: replace(row) for x, row in self.leases.items()}


class FakeRows:
    """Implements `LeaseRows` for one instance.

    `is_cut`: nothing reaches the database. `loses_answers`: all reaches it, and nothing comes back.
    """

    def __init__(self, table: FakeTable, own: OwnInstance, times: LeaseTimes) -> None:
        self.table = table
        self.own = own
        self.is_cut = False
        self.loses_answers = False
        self.answer_s = ANSWER_S
        self.renewals = 0
        self.up_since_s = asyncio.get_running_loop().time()
        self._is_up = True
        self._times = times
        self._ttl_ms = int(times.ttl_s * 1000)

    async def register(self, beat_ms_seen: int) -> Registration:
        return await self._asked(lambda: self._register(beat_ms_seen))

    def _register(self, beat_ms_seen: int) -> Registration:
        own, now = self.own, self.table.now_ms()
        row = self.table.instances.get(own.name)
        if row is not None and row.process != own.process:
            lives = row.beat_ms >= now - self._ttl_ms and row.beat_ms != beat_ms_seen
            if lives:
                return Registration(False, row.beat_ms)
        new = _InstanceRow(own.url, now, False, "", own.version, own.process)
        self.table.instances[own.name] = new
        return Registration(True, now)

    async def renew(
        self, mine: Collection[Lease], directory_hash: str, write_lag_ms: int = 0
    ) -> Renewal:
        return await self._asked(lambda: self._renew(mine, directory_hash, write_lag_ms))

    def _renew(self, mine: Collection[Lease], directory_hash: str, write_lag_ms: int) -> Renewal:
        self.renewals += 1
        now = self.table.now_ms()
        beat = self.table.instances.get(self.own.name)
        if beat is None or beat.process != self.own.process:
            return Renewal(None, frozenset())
        beat.beat_ms, beat.directory_hash = now, directory_hash
        beat.write_lag_ms = write_lag_ms
        renewed = set()
        for lease in mine:
            row = self.table.leases.get(lease.resource)
            if row and (row.holder, row.epoch) == (self.own.name, lease.epoch):
                row.expires_ms = now + self._ttl_ms
                renewed.add(lease.resource)
        return Renewal(beat.draining, frozenset(renewed))

    async def look(self) -> Seen:
        return await self._asked(lambda: self._look())

    def _look(self) -> Seen:
        now = self.table.now_ms()
        return Seen(
            {
                x: SeenLease(x, r.holder, r.epoch, r.url, r.expires_ms, r.expires_ms < now)
                for x, r in self.table.leases.items()
            },
            tuple(
                Instance(
                    name,
                    x.url,
                    x.beat_ms > now - self._ttl_ms,
                    now - x.beat_ms,
                    x.draining,
                    x.directory_hash,
                    x.version,
                    x.write_lag_ms,
                    self.table.pushed_hash not in ("", x.directory_hash),
                )
                for name, x in sorted(self.table.instances.items())
                if x.beat_ms
            ),
            self.table.pushed_hash,
        )

    async def claim(self, resource: str, seen: SeenLease | None) -> Lease | None:
        return await self._asked(lambda: self._claim(resource, seen))

    def _claim(self, resource: str, seen: SeenLease | None) -> Lease | None:
        own, now = self.own, self.table.now_ms()
        row = self.table.leases.setdefault(resource, _Row("", 0, 0, ""))
        unchanged = seen and (seen.epoch, seen.expires_ms) == (row.epoch, row.expires_ms)
        if row.holder and not unchanged:
            return None
        new = _Row(own.name, row.epoch + 1, now + self._ttl_ms, own.url)
        self.table.leases[resource] = new
        return Lease(resource, own.name, new.epoch, own.url)

    async def release(self, lease: Lease) -> None:
        return await self._asked(lambda: self._release(lease))

    def _release(self, lease: Lease) -> None:
        row = self.table.leases[lease.resource]
        if (row.holder, row.epoch) == (self.own.name, lease.epoch):
            row.holder, row.url = "", ""

    async def leave(self) -> None:
        return await self._asked(lambda: self._leave())

    def _leave(self) -> None:
        self.table.instances[self.own.name].beat_ms = 0

    async def set_draining(self, name: str, draining: bool) -> bool:
        return await self._asked(lambda: self._set_draining(name, draining))

    def _set_draining(self, name: str, draining: bool) -> bool:
        row = self.table.instances.get(name)
        if row is None:
            return False
        row.draining = draining
        return True

    async def _asked(self, change: Callable[[], _Answer]) -> _Answer:
        await self._answer()
        answer = change()
        if self.loses_answers:
            self._is_up = False
            # virtual time: the tests that use this are instant
            await asyncio.sleep(self._times.answer_s)
            raise StorageUnavailable("no answer within 1 s")
        return answer

    async def _answer(self) -> None:
        loop = asyncio.get_running_loop()
        unreachable = self.is_cut or self.table.is_down
        # virtual time: the tests that use this are instant
        await asyncio.sleep(self._times.answer_s if unreachable else self.answer_s)
        if unreachable:
            self._is_up = False
            raise StorageUnavailable("no answer within 1 s")
        if not self._is_up:
            self._is_up, self.up_since_s = True, loop.time()
