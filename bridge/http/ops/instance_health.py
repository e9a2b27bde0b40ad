"""The part of /health/ready that an instance of several adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.http.node_services import HeldNodes, NodeServices

if TYPE_CHECKING:  # an instance that is alone loads nothing of it
    from bridge.cluster.instances import Instances
    from bridge.cluster.lease import Leases
    from bridge.http.stop_notice import StopNotice

NO_PHONES = "the directory's phones are being made on the PBX"
_NOBODY = "no instance holds it"
_DEAD = "the instance that holds it does not answer"
_BEGINS = "this instance begins to hold it"
_PAUSED = "the database does not answer, so another instance may take it over"


def why_not_ready(node: NodeServices) -> str:
    """Why no call can be placed on this PBX now; empty if one can."""
    link = node.pbx.link
    if not link.up:
        return link.why
    return "" if node.phones.ready.is_set() else NO_PHONES


@dataclass(frozen=True, slots=True)
class PbxHealth:
    """Of a PBX that another instance holds it is only known whether that instance lives.

    `why`: why no call can be placed on it; empty if one can.
    """

    name: str
    holder: str
    epoch: int
    why: str


class InstanceHealth:
    """`pbx_names`: of all PBXs."""

    def __init__(
        self,
        pbx_names: tuple[str, ...],
        leases: Leases,
        instances: Instances,
        nodes: HeldNodes,
        notice: StopNotice,
    ) -> None:
        self._names = pbx_names
        self._leases = leases
        self._instances = instances
        self._nodes = nodes
        self._notice = notice

    @property
    def stops(self) -> bool:
        """Whether clients shall go to another instance, as this one is about to end."""
        return self._notice.given

    @property
    def own(self) -> str:
        """The name of this instance."""
        return self._instances.own

    def pbxs(self) -> list[PbxHealth]:
        """Each PBX, with the instance that holds it."""
        return [self._pbx(x) for x in self._names]

    def instances(self) -> list[dict[str, object]]:
        """Each instance: whether it lives, and whether it has the directory of this one, and the
        one that was pushed last."""
        found = self._instances.all_instances()
        own = next((x.directory_hash for x in found if x.name == self.own), "")
        return [
            {
                "name": x.name,
                "lives": x.lives,
                "draining": x.draining,
                "sameDirectory": x.directory_hash == own,
                "oldDirectory": x.old_directory,
            }
            for x in found
        ]

    def _pbx(self, name: str) -> PbxHealth:
        lease, node = self._leases.holder_of(f"pbx:{name}"), self._nodes.get(name)
        if node is not None:
            paused = self._leases.held(f"pbx:{name}") is None
            why = _PAUSED if paused else why_not_ready(node)
        elif lease is None:
            why = _NOBODY
        else:
            living = {x.name for x in self._instances.all_instances() if x.lives}
            here = lease.holder == self.own
            why = _BEGINS if here else "" if lease.holder in living else _DEAD
        if lease is None:
            return PbxHealth(name, "", 0, why)
        return PbxHealth(name, lease.holder, lease.epoch, why)
