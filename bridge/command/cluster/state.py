"""The instances with all that each has, as read from the database. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge.cluster.instances import Instance
from bridge.cluster.lease import SHARDS, pbx_resource, shard_resource
from bridge.cluster.placement_choice import PbxState
from bridge.command.cluster.lag import ClusterLag

if TYPE_CHECKING:  # it loads the driver of the database
    from bridge.cluster.lease_store import Seen


@dataclass(frozen=True, slots=True)
class Held:
    """A resource with its holder. `holder` is empty if it is free.

    `lives`: whether its holder lives and has renewed the lease in time.
    """

    resource: str
    holder: str
    epoch: int
    lives: bool

    @property
    def name(self) -> str:
        """Without its kind: the name of a PBX or a job, the number of a shard."""
        return self.resource.partition(":")[2]


@dataclass(frozen=True, slots=True)
class ClusterState:
    """All of it. `organizations`: how many are placed on each PBX, by its name.

    `pbx_states`: what their holders say, in the order of `pbxs`.
    """

    instances: tuple[Instance, ...]
    pbxs: tuple[Held, ...]
    shards: tuple[Held, ...]
    jobs: tuple[Held, ...]
    organizations: Mapping[str, int]
    pbx_states: tuple[PbxState, ...] = ()
    lag: ClusterLag = field(default_factory=ClusterLag)

    def held_by(self, instance: str) -> list[Held]:
        """Everything that this instance has, or had when it was last heard of."""
        return [x for x in (*self.pbxs, *self.shards, *self.jobs) if x.holder == instance]

    @property
    def without_holder(self) -> list[Held]:
        """The PBXs and shards that nobody acts for."""
        return [x for x in (*self.pbxs, *self.shards) if not x.lives]


def cluster_state(
    seen: Seen, pbx_names: Iterable[str], organizations: Mapping[str, int]
) -> ClusterState:
    """`pbx_names`: those of the settings, which may not have had a lease yet."""
    living = {x.name for x in seen.instances if x.lives}

    def held(resource: str) -> Held:
        row = seen.leases.get(resource)
        if row is None:
            return Held(resource, "", 0, False)
        lives = row.holder in living and not row.over
        return Held(resource, row.holder, row.epoch, lives)

    pbxs = [pbx_resource(x) for x in pbx_names]
    pbxs += sorted(x for x in seen.leases if x.startswith(pbx_resource("")) and x not in pbxs)
    return ClusterState(
        seen.instances,
        tuple(map(held, pbxs)),
        tuple(held(shard_resource(x)) for x in range(SHARDS)),
        tuple(held(x) for x in sorted(seen.leases) if x.startswith("job:")),
        organizations,
    )
