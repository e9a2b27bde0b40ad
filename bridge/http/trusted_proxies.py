"""The client behind a proxy: its address from `X-Forwarded-For`, if the proxy is one of ours.

Any client can send the header, so it counts only on a connection of a trusted proxy. The address
that such a proxy added is the last of the list; each trusted proxy before it added one more.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp import web

from bridge.http.error_answers import Handler

_HEADER = "X-Forwarded-For"

Network = IPv4Network | IPv6Network


def with_client_address(handler: Handler, proxies: Sequence[Network]) -> Handler:
    """Wrap `handler`: `request.remote` is the client, where a proxy of these networks names it."""
    if not proxies:
        return handler

    async def named(request: web.BaseRequest) -> web.StreamResponse:
        client = client_of(request.remote, request.headers.getall(_HEADER, ()), proxies)
        if client is None or client == request.remote:
            return await handler(request)
        return await handler(request.clone(remote=client))

    return named


def client_of(remote: str | None, headers: Sequence[str], proxies: Sequence[Network]) -> str | None:
    """The address of the client of a connection from `remote`; `headers` in their order.

    It is the last address that is not of a proxy. Another text ends the search: the proxy that
    sent it has to answer for its clients.
    """
    listed = [x.strip() for header in headers for x in header.split(",")]
    client = remote
    while listed and _is_of(client, proxies):
        named = _address(listed.pop())
        if named is None:
            break
        client = str(named)
    return client


def _is_of(address: str | None, networks: Sequence[Network]) -> bool:
    parsed = _address(address or "")
    return parsed is not None and any(parsed in network for network in networks)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return parsed if mapped is None else mapped
