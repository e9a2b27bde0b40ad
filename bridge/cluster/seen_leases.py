"""All leases as this instance has read them: their holders, and for how long each is unchanged."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from bridge.cluster.instances import Instance
from bridge.cluster.lease import Lease
from bridge.cluster.lease_choice import PBX, Free
from bridge.cluster.lease_store import Seen, SeenLease
from bridge.cluster.lease_times import LeaseTimes


class EpochsWentBack(Exception):
    """The database has an older state than this instance has seen.

    It was restored from a backup, or an old copy took over. An epoch might be given out again, and
    then two holders would write under the same one.
    """


@dataclass(slots=True)
class _Since:
    """`expires_ms` of an epoch, and the moment of this machine from which it was seen."""

    epoch: int
    expires_ms: int
    since_s: float


class SeenLeases:
    """`own`: the name of this instance. `resources`: all that is shared out, in their order."""

    def __init__(
        self, own: str, resources: Collection[str], times: LeaseTimes, clock: Callable[[], float]
    ) -> None:
        self._own = own
        self._resources = tuple(resources)
        self._times = times
        self._clock = clock
        self._seen = Seen({}, ())
        self._epochs: dict[str, int] = {}
        self._unchanged: dict[str, _Since] = {}
        self._free_since_s: dict[str, float] = {}
        self._alive_since_s: dict[str, float] = {}

    @property
    def instances(self) -> tuple[Instance, ...]:
        """All instances, as last read."""
        return self._seen.instances

    @property
    def pushed_hash(self) -> str:
        """Of the directory that was pushed last; empty if each instance has its own file."""
        return self._seen.pushed_hash

    def holder_of(self, resource: str) -> Lease | None:
        """As `Leases.holder_of`."""
        row = self._seen.leases.get(resource)
        if row is None or not row.holder:
            return None
        return Lease(resource, row.holder, row.epoch, row.url)

    def note(self, seen: Seen) -> None:
        """Take over what was read. Raises EpochsWentBack."""
        for resource, epoch in self._epochs.items():
            row = seen.leases.get(resource)
            if row is None or row.epoch < epoch:
                has = "no row" if row is None else f"epoch {row.epoch}"
                raise EpochsWentBack(f"the database has {has} of {resource}, {epoch} was there")
        now_s = self._clock()
        self._seen = seen
        for row in seen.leases.values():
            if row.resource in self._resources:
                self._epochs[row.resource] = row.epoch
            before = self._unchanged.get(row.resource)
            if before is None or (before.epoch, before.expires_ms) != (row.epoch, row.expires_ms):
                self._unchanged[row.resource] = _Since(row.epoch, row.expires_ms, now_s)
        lives = {x.name for x in seen.instances if x.lives}
        self._alive_since_s = {x: self._alive_since_s.get(x, now_s) for x in lives}

    def note_own(self, lease: Lease) -> None:
        """This instance has claimed it."""
        row = SeenLease(lease.resource, lease.holder, lease.epoch, lease.url, 0, False)
        self._seen.leases[lease.resource] = row
        self._epochs[lease.resource] = max(lease.epoch, self._epochs.get(lease.resource, 0))
        self._free_since_s.pop(lease.resource, None)

    def begin_anew(self) -> None:
        """Forget for how long each was unchanged: nothing could be seen for a while."""
        self._unchanged.clear()
        self._alive_since_s.clear()

    def free(self, mine: Collection[str], *, also_of_others: bool) -> list[Free]:
        """The resources that may be claimed, without `mine`.

        Not `also_of_others`: without those that another instance had and did not release.
        """
        now_s = self._clock()
        found = [
            x for x in self._resources if x not in mine and self._is_free(x, now_s, also_of_others)
        ]
        self._free_since_s = {x: self._free_since_s.get(x, now_s) for x in found}
        return [Free(x, now_s - self._free_since_s[x]) for x in found]

    def takers(self, kind: str, settled_s: float = 0.0) -> dict[str, list[str]]:
        """The other instances that live and take leases of this kind, each with all that it has.

        One with an old directory takes no PBX. `settled_s`: only those that were seen to live for
        so long.
        """
        before_s = self._clock() - settled_s
        names = [
            x.name
            for x in self.instances
            if x.lives
            and not x.draining
            and not (kind == PBX and x.old_directory)
            and x.name != self._own
            and self._alive_since_s.get(x.name, before_s + 1) <= before_s
        ]
        rows = self._seen.leases.values()
        return {
            name: [x.resource for x in rows if x.holder == name and x.resource in self._resources]
            for name in names
        }

    def row_of(self, resource: str) -> SeenLease | None:
        """Its row as last read; None if there was none."""
        return self._seen.leases.get(resource)

    def _is_free(self, resource: str, now_s: float, also_of_others: bool) -> bool:
        row = self._seen.leases.get(resource)
        if row is None or not row.holder:
            return True
        if row.holder == self._own:
            return True
        if not also_of_others:
            return False
        since = self._unchanged.get(resource)
        if since is None:
            return False
        unchanged_s = now_s - since.since_s
        needed_s = self._times.unchanged_s if row.over else 2 * self._times.ttl_s
        return unchanged_s >= needed_s
