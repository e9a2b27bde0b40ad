"""The fence of writes: who has lost a lease writes nothing more under its epoch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Fence:
    """A lease as writes carry it: the resource, and the epoch and holder that they were made under.

    The database holds a write to it in the transaction of the write: `LOCK_ONE`, `LOCK_SEVERAL`.
    The epoch alone does not do: a database restored from a backup gives one out a second time.
    """

    resource: str
    epoch: int
    holder: str


class FencesLost(Exception):
    """The database knows no lease with the epochs of these fences. Nothing was written."""

    def __init__(self, fences: Collection[Fence]) -> None:
        super().__init__(", ".join(f"{x.resource} epoch {x.epoch}" for x in sorted(fences)))
        self.fences = frozenset(fences)


# They need the unique index of (resource, epoch). The lock lets a renewal pass, which changes
# another column, and has a takeover wait for our COMMIT. Without the index a takeover passes, too.
# The holder is empty after a release: until the next takeover, what is late is still written.
LOCK_ONE = (
    "SELECT 1 FROM leases WHERE resource = $1 AND epoch = $2 AND holder IN ($3, '') FOR KEY SHARE"
)
# With many shards of webhooks, a statement for each would cost more than their rows.
LOCK_SEVERAL = (
    "SELECT f.resource, f.epoch, f.holder"
    " FROM unnest($1::text[], $2::bigint[], $3::text[]) AS f (resource, epoch, holder)"
    " JOIN leases AS l ON l.resource = f.resource AND l.epoch = f.epoch"
    " AND l.holder IN (f.holder, '') FOR KEY SHARE OF l"
)
