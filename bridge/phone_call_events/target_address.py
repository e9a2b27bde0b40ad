"""Which addresses events may be sent to: the public Internet, and nothing inside of it.

A subscriber names a URL and this service fetches it. The PBX, databases and the metadata of a cloud
may be within its reach. So the address is checked, not the name. A name is resolved when the event
is sent, and the connection goes to the checked address.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult

from bridge.phone_call_events.special_networks import (
    GLOBAL_UNICAST,
    HOLDING_IPV4,
    SPECIAL_IPV4,
    SPECIAL_IPV6,
    is_isatap,
)

PortRange = tuple[int, int]
"""The first and the last of it."""


@dataclass(frozen=True, slots=True)
class TargetRules:
    """`private`: may they be inside, too? `ports`: to which of a host."""

    private: bool
    ports: tuple[PortRange, ...] = ((80, 80), (443, 443), (1024, 65535))


class TargetRefused(OSError):
    """The name resolves to an address that events are not sent to."""


def is_public(address: str) -> bool:
    """Whether the IP address belongs to the public Internet; an IPv4 address inside an IPv6 address
    counts."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        held = _held_ipv4(ip)
        return _is_public_ipv6(ip) if held is None else _is_public_ipv4(held)
    return _is_public_ipv4(ip)


def _is_public_ipv4(ip: IPv4Address) -> bool:
    return not any(ip in network for network in SPECIAL_IPV4)


def _is_public_ipv6(ip: IPv6Address) -> bool:
    return (
        ip.scope_id is None
        and ip in GLOBAL_UNICAST
        and not is_isatap(ip)
        and not any(ip in network for network in SPECIAL_IPV6)
    )


def _held_ipv4(ip: IPv6Address) -> IPv4Address | None:
    for network, shifted in HOLDING_IPV4:
        if ip in network:
            return IPv4Address(int(ip) >> shifted & 0xFFFFFFFF)
    return None


def is_literal(host: str) -> bool:
    """Whether `host` is an IP address, which no resolver is asked about."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@lru_cache(1_000)
def refusal(host: str, port: int, rules: TargetRules) -> str | None:
    """Why events are not sent there, as far as no resolver need be asked; None if they are.

    Asked when a URL is subscribed, and again when an event is sent: by then the rules may differ.
    """
    # A resolver may end the name there, or see something else in it than this check.
    if "%" in host:
        return "its host must not hold a %"
    if not any(first <= port <= last for first, last in rules.ports):
        return f"port {port} is not one that events are sent to (BRIDGE_EVENTS_PORTS)"
    name = host.rstrip(".").lower()
    local = name == "localhost" or name.endswith(".localhost")
    if not rules.private and (local or (is_literal(host) and not is_public(host))):
        return (
            "it must name a host of the public Internet (the operator of this service may allow "
            "others: BRIDGE_EVENTS_PRIVATE_TARGETS=true)"
        )
    return None


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses only."""

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The public addresses of the host.

        Raises TargetRefused if it has none, OSError if it is not found.
        """
        found = await self._resolver.resolve(host, port, family)
        public = [x for x in found if is_public(x["host"])]
        if not public:
            raise TargetRefused(f"{host} has no public address")
        return public

    async def close(self) -> None:
        await self._resolver.close()
