"""Which requests count as of one remote: by address, and by network where a host has many."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address

UNKNOWN = "unknown"
_REMOTES_KEPT = 4_096
_ONE_SITE_BITS = 64  # the smallest network that a provider gives to one customer (RFC 6177)


@lru_cache(_REMOTES_KEPT)
def remote_of(address: str | None) -> str:
    """IPv4 addresses stay as they are; an IPv6 address becomes its /64; an IPv4 address in IPv6
    form becomes IPv4.

    It is the address of the connection; bridge/http/trusted_proxies.py says when a header counts.
    """
    try:
        parsed = ip_address((address or "").partition("%")[0])
    except ValueError:
        return UNKNOWN
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((parsed, _ONE_SITE_BITS), strict=False))
