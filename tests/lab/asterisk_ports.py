"""Free ports for an Asterisk of a test."""

from __future__ import annotations

from bridge.local_asterisk.ports import BELOW_OUTGOING, AsteriskPorts
from tests.softphones.ports import own_share


def free_asterisk_ports(
    *, bind_address: str = "127.0.0.1", public_network_address: str = "127.0.0.2"
) -> AsteriskPorts:
    """Of those that belong to this worker of the test run: no other takes them before Asterisk."""
    return AsteriskPorts.free(
        bind_address=bind_address,
        public_network_address=public_network_address,
        among=own_share(BELOW_OUTGOING),
    )
