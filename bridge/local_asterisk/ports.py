"""Addresses and ports of a local Asterisk, and whether they are free."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from dataclasses import dataclass

from bridge.local_asterisk.errors import LocalAsteriskError, PortTakenError

RTP_BLOCK = 200
"""Ports of one RTP range: two per audio leg, so 100 legs."""

PORT_SETTINGS = {
    "sip": "BRIDGE_SIP_PORT",
    "http": "BRIDGE_ARI_PORT",
    "ami": "BRIDGE_AMI_PORT",
    "public_network_sip": "BRIDGE_PUBLIC_NETWORK_PORT",
}
"""The setting of each field that can be taken, as bridge/config/settings.py calls it."""
ADDRESS_SETTINGS = {"public_network_sip": "BRIDGE_PUBLIC_NETWORK_ADDRESS"}
"""Of its address, where that is not BRIDGE_BIND_ADDRESS."""


@dataclass(frozen=True, slots=True)
class AsteriskPorts:
    """The addresses and ports of the PBX and of the simulated public network.

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
    """The address that phones behind a NAT must get; empty: no NAT."""
    stun_server: str = ""
    """Host and port; empty: none is asked."""

    @property
    def management_address(self) -> str:
        """The address of AMI and ARI: never one that other machines can reach."""
        return management_address(self.bind_address)

    @property
    def trunk_address(self) -> str:
        """Of the PBX, for the public network: where both have one address family, the same that
        phones use. Next to an IPv6 address the PBX has one of IPv4 for it."""
        if _version(self.bind_address) == _version(self.public_network_address):
            return self.bind_address
        return "127.0.0.1"

    @property
    def _sip_addresses(self) -> list[str]:
        """As asterisk-conf/render.sh makes the transports."""
        if self.bind_address == "::":
            return [self.bind_address, "0.0.0.0"]
        return [self.bind_address]

    def check_pbx(self) -> None:
        """Raise PortTakenError if the PBX could not listen."""
        for address in self._sip_addresses:
            self._check("sip", socket.SOCK_DGRAM, address, self.sip)
            self._check("sip", socket.SOCK_STREAM, address, self.sip)
        if self.trunk_address != self.bind_address and len(self._sip_addresses) == 1:
            self._check("sip", socket.SOCK_DGRAM, self.trunk_address, self.sip)
        self._check("http", socket.SOCK_STREAM, self.management_address, self.http)
        self._check("ami", socket.SOCK_STREAM, self.management_address, self.ami)

    def check_public_network(self) -> None:
        """Raise PortTakenError if the simulated public network could not listen."""
        if self.public_network_sip == self.sip and self.takes(self.public_network_address):
            # Neither is running yet, so that a look at the port would find it free for both.
            setting = PORT_SETTINGS["public_network_sip"]
            raise PortTakenError(
                f"UDP port {self.sip} on {self.public_network_address} is the PBX's, which listens "
                f"on {self.bind_address}, and that of the simulated public network too. Choose "
                f"another port with {setting}.",
                field="public_network_sip",
                setting=setting,
            )
        self._check(
            "public_network_sip",
            socket.SOCK_DGRAM,
            self.public_network_address,
            self.public_network_sip,
        )

    async def check_external_address(self) -> None:
        """Raise LocalAsteriskError if Asterisk could make nothing of it: it would refuse calls."""
        if not self.external_address:
            return
        try:
            await asyncio.get_running_loop().getaddrinfo(self.external_address, None)
        except OSError as why:
            raise LocalAsteriskError(
                f"BRIDGE_EXTERNAL_ADDRESS: {self.external_address} is neither an address nor a "
                f"name that can be resolved ({why.strerror})"
            ) from None

    def takes(self, address: str) -> bool:
        """Whether SIP of the PBX, over UDP, would be on that address too."""
        if self.bind_address == "::":
            return True
        if ipaddress.ip_address(self.bind_address).is_unspecified:
            return _version(address) == _version(self.bind_address)
        return address in (self.bind_address, self.trunk_address)

    def _check(self, field: str, kind: socket.SocketKind, address: str, port: int) -> None:
        try:
            try_to_bind(kind, address, port)
        except OSError as error:
            setting = PORT_SETTINGS[field]
            protocol = "TCP" if kind is socket.SOCK_STREAM else "UDP"
            reason = {
                errno.EADDRINUSE: "is taken by another program",
                errno.EACCES: "may not be used by this user",
                errno.EADDRNOTAVAIL: "cannot be used: this machine has no such address",
                errno.EAFNOSUPPORT: "cannot be used: this machine has no IPv6",
            }.get(error.errno or 0, f"cannot be used: {error.strerror}")
            raise PortTakenError(
                f"{protocol} port {port} on {address} {reason}. {_remedy(field, error)}",
                field=field,
                setting=setting,
            ) from error


def try_to_bind(kind: socket.SocketKind, address: str, port: int) -> None:
    """Raises OSError if nobody could listen there; `kind` is that of UDP or of TCP."""
    family = socket.AF_INET6 if _version(address) == 6 else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if family is socket.AF_INET6:
            # An IPv4 socket beside it is another one, as Asterisk makes them.
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind is socket.SOCK_STREAM:
            # As Asterisk does; else connections that are closing would count as taken.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))


def _version(address: str) -> int:
    return ipaddress.ip_address(address).version


def management_address(bind_address: str) -> str:
    """Loopback, whatever phones may reach."""
    return bind_address if ipaddress.ip_address(bind_address).is_loopback else "127.0.0.1"


def _remedy(field: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Stop that program or choose another port with {PORT_SETTINGS[field]}."
    if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        return f"Choose one that it has with {ADDRESS_SETTINGS.get(field, 'BRIDGE_BIND_ADDRESS')}."
    return f"Choose another port with {PORT_SETTINGS[field]}."
