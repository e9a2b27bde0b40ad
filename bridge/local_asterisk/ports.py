"""Addresses and ports of a local Asterisk, and whether they are free."""

from __future__ import annotations

import errno
import ipaddress
import random
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.local_asterisk.errors import PortTakenError

# The range of outgoing connections is above.
BELOW_OUTGOING = range(11_000, 19_000)
RTP_BLOCK = 200
"""Ports of one RTP range: two per audio leg, so 100 legs."""

PORT_SETTINGS = {
    "sip": "BRIDGE_SIP_PORT",
    "http": "BRIDGE_ARI_PORT",
    "ami": "BRIDGE_AMI_PORT",
    "public_network_sip": "BRIDGE_PUBLIC_NETWORK_PORT",
}
"""The setting of each field that can be taken, as bridge/settings.py calls it."""
ADDRESS_SETTINGS = {"public_network_sip": "BRIDGE_PUBLIC_NETWORK_ADDRESS"}
"""Of its address, where that is not BRIDGE_BIND_ADDRESS."""


@dataclass(frozen=True, slots=True)
class AsteriskPorts:
    """Where the PBX and the simulated public network listen.

    The public network needs an address of its own: the PBX tells its calls apart
    by IP. On Linux every 127.x.y.z is there without configuration.
    """

    bind_address: str = "127.0.0.1"
    sip: int = 5060
    """UDP and TCP."""
    http: int = 8088
    """ARI, and SIP over WebSocket at /ws."""
    ami: int = 5038
    rtp_start: int = 10000
    rtp_end: int = 10000 + RTP_BLOCK - 1
    public_network_address: str = "127.0.0.2"
    public_network_sip: int = 5060
    """UDP."""
    external_address: str = ""
    """What phones behind a NAT must be told; empty: no NAT."""

    @property
    def management_address(self) -> str:
        """Where AMI and ARI listen: never on an address that others can reach."""
        return management_address(self.bind_address)

    @classmethod
    def free(
        cls,
        *,
        bind_address: str = "127.0.0.1",
        public_network_address: str = "127.0.0.2",
        among: Sequence[int] = BELOW_OUTGOING,
    ) -> AsteriskPorts:
        """Ports that are free now, for tests that run beside each other: `among` may be those of
        one of them only.

        RTP ranges are drawn at random; should two overlap, Asterisk takes the next
        port, so nothing breaks.
        """
        left = random.sample(among, len(among))
        sip = _free_port(left, bind_address, public_network_address)
        rtp_start = 20000 + RTP_BLOCK * random.randrange(50)  # noqa: S311 - no secret
        return cls(
            bind_address=bind_address,
            sip=sip,
            http=_free_port(left, management_address(bind_address)),
            ami=_free_port(left, management_address(bind_address)),
            rtp_start=rtp_start,
            rtp_end=rtp_start + RTP_BLOCK - 1,
            public_network_address=public_network_address,
            public_network_sip=sip,
        )

    def check_pbx(self) -> None:
        """Raise PortTakenError if the PBX could not listen."""
        self._check("sip", socket.SOCK_DGRAM, self.bind_address, self.sip)
        self._check("sip", socket.SOCK_STREAM, self.bind_address, self.sip)
        self._check("http", socket.SOCK_STREAM, self.management_address, self.http)
        self._check("ami", socket.SOCK_STREAM, self.management_address, self.ami)

    def check_public_network(self) -> None:
        """Raise PortTakenError if the simulated public network could not listen."""
        everywhere = ipaddress.ip_address(self.bind_address).is_unspecified
        if everywhere and self.public_network_sip == self.sip:
            # Neither is running yet, so that a look at the port would find it free for both.
            setting = PORT_SETTINGS["public_network_sip"]
            raise PortTakenError(
                f"UDP port {self.sip} is the PBX's on every address ({self.bind_address}), that of "
                f"the simulated public network too. Choose another port with {setting}.",
                field="public_network_sip",
                setting=setting,
            )
        self._check(
            "public_network_sip",
            socket.SOCK_DGRAM,
            self.public_network_address,
            self.public_network_sip,
        )

    def _check(self, field: str, kind: socket.SocketKind, address: str, port: int) -> None:
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind is socket.SOCK_STREAM:
                # As Asterisk does; else connections that are closing would count as taken.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                setting = PORT_SETTINGS[field]
                protocol = "TCP" if kind is socket.SOCK_STREAM else "UDP"
                reason = {
                    errno.EADDRINUSE: "is taken by another program",
                    errno.EACCES: "may not be used by this user",
                    errno.EADDRNOTAVAIL: "cannot be used: this machine has no such address",
                }.get(error.errno or 0, f"cannot be used: {error.strerror}")
                raise PortTakenError(
                    f"{protocol} port {port} on {address} {reason}. {_remedy(field, error)}",
                    field=field,
                    setting=setting,
                ) from error


def management_address(bind_address: str) -> str:
    """Loopback, whatever phones may reach."""
    return bind_address if ipaddress.ip_address(bind_address).is_loopback else "127.0.0.1"


def _remedy(field: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Stop that program or choose another port with {PORT_SETTINGS[field]}."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"Choose one that it has with {ADDRESS_SETTINGS.get(field, 'BRIDGE_BIND_ADDRESS')}."
    return f"Choose another port with {PORT_SETTINGS[field]}."


def _free_port(left: list[int], *addresses: str) -> int:
    """Taken out of `left`: a port that is free for UDP and TCP on all addresses."""
    while left:
        port = left.pop()
        if all(_is_free(address, port) for address in addresses):
            return port
    raise OSError(errno.EADDRINUSE, f"no free port found on {', '.join(addresses)}")


def _is_free(address: str, port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True
