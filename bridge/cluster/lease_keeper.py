"""Claims and renews the leases of this instance, and hands over what others shall have.

One task does it, at intervals and after each hint. It never waits for a listener.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import Counter
from collections.abc import Callable, Collection

import structlog

from bridge.cluster.held_leases import HeldLeases
from bridge.cluster.instances import Instance
from bridge.cluster.lease import Lease, LeaseListener
from bridge.cluster.lease_choice import PBX, Free, claims, kind_of, surplus
from bridge.cluster.lease_connection import since_boot_s
from bridge.cluster.lease_store import LeaseRows
from bridge.cluster.lease_times import LeaseTimes
from bridge.cluster.seen_leases import SeenLeases
from bridge.faults import StorageUnavailable
from bridge.storage.fence import Fence
from bridge.supervision.conditions import Condition
from bridge.supervision.tasks import LivingTask, in_background, must_live

log = structlog.get_logger()

GONE_S = 3.0
"""The task of the keeper never rests for so long. If it did, the process was frozen."""


class InstanceNameInUse(Exception):
    """Another process that lives has the name of this instance."""


class LeaseKeeper:
    """Implements `Leases` and `Instances`.

    `resources`: all that is shared out among the instances. `directory_hash`: of the directory in
    force; the other instances are told. Its task ends with InstanceNameInUse or EpochsWentBack.
    """

    def __init__(
        self,
        rows: LeaseRows,
        own: str,
        resources: Collection[str],
        *,
        directory_hash: Callable[[], str] = lambda: "",
        times: LeaseTimes | None = None,
        clock: Callable[[], float] = since_boot_s,
    ) -> None:
        self.own = own
        self._rows = rows
        self._resources = frozenset(resources)
        self._directory_hash = directory_hash
        self._write_lag_s: Callable[[], float] = lambda: 0.0
        self._times = times or LeaseTimes()
        self._clock = clock
        self._unreachable = Condition("leases_unreachable_began", "leases_unreachable_ended")
        self._old_directory = Condition(
            "pbx_not_claimed_began", "pbx_not_claimed_ended", level=logging.WARNING
        )
        self._held = HeldLeases(self._times.fence_s, clock, lambda: self.problem)
        self._seen = SeenLeases(own, resources, self._times, clock)
        self._wake = asyncio.Event()
        self._looked: list[asyncio.Future[None]] = []
        self._leaving: dict[str, asyncio.Task[None]] = {}
        self._let_go_s: dict[str, float] = {}
        self._registered = False
        self._other_beat_ms = (-1, clock())  # of another process of this name, seen since
        self._draining = self._steps_back = self._stopping = False
        self._renew_due_s = self._look_due_s = self._alive_s = clock()
        self._watching_since_s = clock()
        self._task: LivingTask | None = None

    @property
    def problem(self) -> str:
        """Why the leases cannot be renewed; empty if they can."""
        return self._unreachable.problem

    @property
    def draining(self) -> bool:
        """Whether this instance shall have no lease, as long as others can have them."""
        return self._draining

    def held(self, resource: str) -> Lease | None:
        return self._held.usable(resource)

    def holder_of(self, resource: str) -> Lease | None:
        return self._seen.holder_of(resource)

    def listen(self, prefix: str, listener: LeaseListener) -> None:
        self._held.listen(prefix, listener)

    def counts(self) -> dict[str, tuple[int, int]]:
        """By kind: how many leases this instance may act under now, and how many there are."""
        of_all = Counter(map(kind_of, self._resources))
        usable = Counter(kind_of(x) for x in self._resources if self._held.usable(x))
        return {kind: (usable[kind], total) for kind, total in of_all.items()}

    def all_instances(self) -> tuple[Instance, ...]:
        return self._seen.instances

    async def look_again(self) -> None:
        if self._task is None or self._task.task.done():
            raise StorageUnavailable("the keeper of leases does not run")
        looked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._looked.append(looked)
        self._look_soon()
        await looked

    async def set_draining(self, name: str, draining: bool) -> bool:
        """Tell an instance to take no leases, or to take them again; False if none lives there.

        Raises StorageUnavailable.
        """
        return await self._rows.set_draining(name, draining)

    def tell_lag(self, write_lag_s: Callable[[], float]) -> None:
        """Tell the others, with each renewal, for how long the oldest write waits here."""
        self._write_lag_s = write_lag_s

    def start(self) -> None:
        """Claim and renew from now on."""
        self._task = must_live(self._run(), "leases")

    async def step_back(self) -> None:
        """Hand all leases over for good, whether others take them or not; look on who has them.

        The others are told first, so that they share out all of it among themselves.
        """
        self._steps_back = True
        with contextlib.suppress(StorageUnavailable):
            await self.set_draining(self.own, True)
        await self._hand_all_over()

    async def stop(self) -> None:
        """Hand all leases over, and end. Takes `hand_over_s` and some statements at most."""
        if self._stopping:
            return
        self._stopping = True
        await self._hand_all_over()
        if self._registered:
            with contextlib.suppress(StorageUnavailable):
                await self._rows.leave()
        if self._task is not None:
            await self._task.stop()
        await self._hand_all_over()  # one may have been claimed meanwhile

    def hear(self, payload: str) -> None:
        """A hint: the lease of this name has changed, or the instance of this name shall drain."""
        if payload == self.own:
            self._renew_due_s = self._clock()
        self._look_soon()

    def fenced(self, _: Fence) -> None:
        """The database has refused a write of this fence: another instance has the lease.

        The next renewal, which is made at once, tells.
        """
        self._renew_due_s = self._clock()
        self._wake.set()

    def connection_lost(self) -> None:
        """The connection has ended: renew at once over a new one."""
        self._renew_due_s = self._clock()
        self._wake.set()

    async def _run(self) -> None:
        try:
            while True:
                await self._until_due()
                try:
                    await self._round()
                except StorageUnavailable as why:
                    self._unreachable.begin(str(why))
                    self._tell_looked(why)
                    await asyncio.sleep(self._times.retry_s)
                else:
                    self._unreachable.end()
        finally:
            self._tell_looked(StorageUnavailable("the keeper of leases does not run"))
            if not self._stopping:
                self._held.lose(self._held.all(), "the keeper of leases has ended")

    async def _until_due(self) -> None:
        wait_s = min(self._renew_due_s, self._look_due_s) - self._clock()
        if wait_s > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
        self._wake.clear()

    async def _round(self) -> None:
        if not self._registered and not await self._register():
            self._renew_due_s = self._look_due_s = self._clock() + self._times.look_s / 2
            return
        await self._renew_if_due()
        if not self._registered or self._clock() < self._look_due_s:
            return
        self._look_due_s = self._clock() + self._times.look_s * random.uniform(0.8, 1.2)  # noqa: S311
        await self._look()
        await self._claim()
        self._hand_over_to_others()

    async def _register(self) -> bool:
        """Whether this process has the name now. Raises InstanceNameInUse."""
        beat_ms, since_s = self._other_beat_ms
        seen_dead = self._clock() - since_s >= self._times.ttl_s
        registration = await self._rows.register(beat_ms if seen_dead else -1)
        if registration.done:
            self._registered = True
            log.info("instance_registered")
            self._renew_due_s = self._clock()
            return True
        if beat_ms == -1:
            self._other_beat_ms = (registration.beat_ms, self._clock())
        elif registration.beat_ms != beat_ms:
            raise InstanceNameInUse(f"another process is the instance {self.own}")
        return False

    async def _renew_if_due(self) -> None:
        self._notice_a_gap()
        started_s = self._clock()
        if started_s < self._renew_due_s:
            return
        mine = self._held.all()
        renewal = await self._rows.renew(
            mine, self._directory_hash(), int(self._write_lag_s() * 1000)
        )
        self._renew_due_s = started_s + self._times.renew_s
        self._held.renew(renewal.renewed, started_s)
        gone = [x for x in mine if x.resource not in renewal.renewed and self._held.has(x)]
        if gone:
            try:
                await self._look()
            finally:
                self._held.lose(gone, self._takers_of(gone))
        if renewal.draining is None:
            # Another process took the name while this one was frozen, or the row was removed.
            self._registered, self._other_beat_ms = False, (-1, self._clock())
        else:
            self._note_draining(renewal.draining)

    def _note_draining(self, draining: bool) -> None:
        if draining == self._draining:
            return
        self._draining = draining
        self._look_due_s = self._clock()
        if draining:
            log.info("instance_draining")
        else:
            log.info("instance_returned")

    async def _look(self) -> None:
        if self._rows.up_since_s > self._watching_since_s:
            self._watch_anew()
        seen = await self._rows.look()
        if self._rows.up_since_s > self._watching_since_s:
            self._watch_anew()
        self._seen.note(seen)
        self._tell_looked(None)

    async def _claim(self) -> None:
        if self._stopping or self._steps_back:
            return
        now_s = self._clock()
        mine = [x.resource for x in self._held.all()]
        watched = now_s - self._watching_since_s >= self._times.ttl_s
        free = [
            x
            for x in self._seen.free(mine, also_of_others=watched)
            if x.since_s >= self._times.share_wait_s or self._let_go_s.get(x.resource, 0.0) <= now_s
        ]
        for resource in self._chosen(mine, free):
            await self._renew_if_due()
            if self._stopping or self._steps_back or not self._registered:
                return
            started_s = self._clock()
            lease = await self._rows.claim(resource, self._seen.row_of(resource))
            if lease is None:
                self._look_soon_after(self._times.retry_s)
                continue
            self._seen.note_own(lease)
            log.info("lease_won", resource=resource, epoch=lease.epoch)
            self._held.win(lease, started_s)

    def _chosen(self, mine: Collection[str], free: Collection[Free]) -> list[str]:
        """Those of the free ones to claim now, in no order."""
        chosen: list[str] = []
        for kind in {kind_of(x.resource) for x in free}:
            of_kind = [x for x in free if kind_of(x.resource) == kind]
            others = self._seen.takers(kind)
            if (self._draining and others) or not self._may_claim(kind):
                continue
            random.shuffle(of_kind)
            takers, wait_s = len(others) + 1, self._times.share_wait_s
            chosen += claims(self._resources, mine, of_kind, takers, wait_s)
        if not self._has_old_directory() or not any(kind_of(x.resource) == PBX for x in free):
            self._old_directory.end()
        random.shuffle(chosen)
        return chosen

    def _may_claim(self, kind: str) -> bool:
        """Phones of a PBX would be made anew, as an old directory says. Others can have it, or
        this one once it has loaded the new one."""
        if kind != PBX or not self._has_old_directory():
            return True
        self._old_directory.begin("the directory that was pushed is not in force here")
        return False

    def _has_old_directory(self) -> bool:
        return self._seen.pushed_hash not in ("", self._directory_hash())

    def _hand_over_to_others(self) -> None:
        mine = [x for x in self._held.all() if x.resource not in self._leaving]
        if self._steps_back:  # one was claimed meanwhile
            for lease in mine:
                self._begin_hand_over(lease, "this instance stops")
            return
        for kind in {kind_of(x.resource) for x in mine}:
            self._share_out(kind, [x for x in mine if kind_of(x.resource) == kind])

    def _share_out(self, kind: str, mine: list[Lease]) -> None:
        """`mine`: those of this kind that this instance has and is not about to hand over."""
        if self._draining:
            if self._seen.takers(kind):
                for lease in mine:
                    self._begin_hand_over(lease, "this instance drains")
            return
        others = self._seen.takers(kind, self._times.settled_s)
        given = set(surplus(self._resources, [x.resource for x in mine], others))
        for lease in mine:
            if lease.resource in given:
                self._let_go_s[lease.resource] = self._clock() + self._times.ttl_s
                self._begin_hand_over(lease, "another instance has less")

    def _begin_hand_over(self, lease: Lease, why: str) -> None:
        if lease.resource not in self._leaving:
            task = in_background(self._hand_over(lease, why), "hand_over")
            self._leaving[lease.resource] = task
            task.add_done_callback(lambda _: self._leaving.pop(lease.resource, None))

    async def _hand_all_over(self) -> None:
        for lease in self._held.all():
            self._begin_hand_over(lease, "this instance stops")
        await asyncio.gather(*self._leaving.values(), return_exceptions=True)

    async def _hand_over(self, lease: Lease, why: str) -> None:
        await self._held.hand_over(lease, self._times.hand_over_s)
        self._held.give_up(lease, why)
        with contextlib.suppress(StorageUnavailable):  # then it runs out
            await self._rows.release(lease)

    def _takers_of(self, leases: list[Lease]) -> str:
        holders = {x.holder for y in leases if (x := self._seen.holder_of(y.resource))}
        if others := holders - {self.own}:
            return f"taken by {', '.join(sorted(others))}"
        return "they were not renewed"

    def _notice_a_gap(self) -> None:
        """After a freeze the leases of others may have run out only because all were frozen."""
        now_s = self._clock()
        if now_s - self._alive_s > GONE_S:
            self._watch_anew()
        self._alive_s = now_s

    def _watch_anew(self) -> None:
        self._watching_since_s = self._clock()
        self._seen.begin_anew()

    def _look_soon(self) -> None:
        self._look_due_s = self._clock()
        self._wake.set()

    def _look_soon_after(self, delay_s: float) -> None:
        self._look_due_s = min(self._look_due_s, self._clock() + delay_s)

    def _tell_looked(self, fault: StorageUnavailable | None) -> None:
        waiting, self._looked = self._looked, []
        for looked in waiting:
            if looked.done():
                continue
            if fault is None:
                looked.set_result(None)
            else:
                looked.set_exception(fault)
