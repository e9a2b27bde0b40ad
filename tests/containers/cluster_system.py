"""One project of compose.cluster.yml."""

from __future__ import annotations

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.softphones.softphone import Softphone

from .compose_system import ComposeSystem

INSTANCES = ("bridge-1", "bridge-2", "bridge-3")
NODES = ("asterisk-1", "asterisk-2", "asterisk-3")
SERVICES = (*INSTANCES, *NODES, "database", "edge", "haproxy", "public-network")
_RTP_PORTS_OF_NODE = 32


class ClusterSystem(ComposeSystem):
    """Whoever starts it removes it."""

    FILE = "compose.cluster.yml"

    @classmethod
    def beside(cls, system: ComposeSystem) -> ClusterSystem:
        """A project of the same images, with ports and a network of its own."""
        made = cls(system.docker, f"{system.project}-cluster", system.tag, networks=system.networks)
        made.settings["BRIDGE_COMPOSE_CLUSTER_NET"] = made.settings["BRIDGE_COMPOSE_NET"]
        for number in range(len(NODES)):
            first, last = made.rtp_ports(number)
            made.settings[f"BRIDGE_COMPOSE_RTP_{number + 1}"] = f"{first}-{last}"
        return made

    @property
    def url(self) -> str:
        """Where HAProxy takes requests."""
        return f"http://127.0.0.1:{self.http_port}"

    def address(self, last: int) -> str:
        return f"{self.settings['BRIDGE_COMPOSE_CLUSTER_NET']}.{last}"

    def instance_url(self, number: int) -> str:
        """Of an instance itself: this machine has an address in the networks of its containers."""
        return f"http://{self.address(210 + number)}:8080"

    def rtp_ports(self, node: int) -> tuple[int, int]:
        """The first and the last; nodes count from 0."""
        first = self.ports.rtp_start + _RTP_PORTS_OF_NODE * node
        return first, first + _RTP_PORTS_OF_NODE - 1

    def secret(self, name: str) -> str:
        """As docs/cluster.md says."""
        return self.exec(INSTANCES[0], "uapi-bridge", "secret", "show", name).strip()

    def client(self, client_id: str = "user-12") -> ApiClient:
        """An app that asks whichever instance HAProxy gives it."""
        return ApiClient(self.url, client_id, self.secret(f"app/{client_id}"))

    def softphone(self, number: str, tone_hz: int = 440) -> Softphone:
        """It registers at the edge, and answers."""
        secret = self.secret(f"sip/{number}")
        return Softphone(number, secret, port=self.ports.sip, answer="auto", tone_hz=tone_hz)
