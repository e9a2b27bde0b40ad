"""The fence of writes: who has lost a lease writes nothing more under its epoch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Fence:
    """A lease as writes carry it: the resource, and the epoch under which they were made.

    The database holds a write to it in the transaction of the write: `LOCK_ONE`, `LOCK_SEVERAL`.
    """

    resource: str
    epoch: int


class FencesLost(Exception):
    """The database knows no lease with the epochs of these fences. Nothing was written."""

    def __init__(self, fences: Collection[Fence]) -> None:
        super().__init__(", ".join(f"{x.resource} epoch {x.epoch}" for x in sorted(fences)))
        self.fences = frozenset(fences)


# They need the unique index of (resource, epoch). The lock lets a renewal pass, which changes
# another column, and has a takeover wait for our COMMIT. Without the index a takeover passes, too.
LOCK_ONE = "SELECT 1 FROM leases WHERE resource = $1 AND epoch = $2 FOR KEY SHARE"
# With many shards of webhooks, a statement for each would cost more than their rows.
LOCK_SEVERAL = (
    "SELECT l.resource, l.epoch FROM unnest($1::text[], $2::bigint[]) AS f (resource, epoch)"
    " JOIN leases AS l ON l.resource = f.resource AND l.epoch = f.epoch FOR KEY SHARE OF l"
)
