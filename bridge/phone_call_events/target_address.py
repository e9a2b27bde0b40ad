"""Which addresses events may be sent to: the public Internet, and nothing inside of it.

A subscriber names a URL and this service fetches it, from a place where the PBX, databases and the
metadata of a cloud may be within reach. So the address is checked, not the name: a name is resolved
when the event is sent, and the checked address is the one that is connected to.
"""

from __future__ import annotations

import socket
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult

_NAT64 = IPv6Network("64:ff9b::/96")
# All that the Internet uses. What else there is may be translated into anything.
_GLOBAL_UNICAST = IPv6Network("2000::/3")


class TargetRefused(OSError):
    """The name resolves to an address that events are not sent to."""


def is_public(address: str) -> bool:
    """Whether that IP address is one of the public Internet, also where it wraps an IPv4 one."""
    try:
        ip: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        ip = _wrapped(ip) or ip
    if isinstance(ip, IPv6Address) and ip not in _GLOBAL_UNICAST:
        return False
    return ip.is_global and not ip.is_multicast


def _wrapped(ip: IPv6Address) -> IPv4Address | None:
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


def is_literal(host: str) -> bool:
    """Whether `host` is an IP address, which no resolver is asked about."""
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


@lru_cache(1_000)
def is_literal_inside(host: str) -> bool:
    """Whether `host` is an IP address that is not one of the public Internet."""
    return is_literal(host) and not is_public(host)


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses only."""

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises TargetRefused, OSError."""
        found = await self._resolver.resolve(host, port, family)
        public = [x for x in found if is_public(x["host"])]
        if not public:
            raise TargetRefused(f"{host} has no public address")
        return public

    async def close(self) -> None:
        await self._resolver.close()
