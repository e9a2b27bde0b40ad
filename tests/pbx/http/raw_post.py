"""A POST whose answer need not be JSON, and whose body may go on after it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

_TIME_LIMIT_S = 30.0


async def post(
    base_url: str, path: str, body: bytes, *, headers: Mapping[str, str] | None = None
) -> tuple[int, str, bytes]:
    """Status, head and body of the answer. `Host: x` is sent, and `headers` as they are."""
    address = urlsplit(base_url)
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Connection: close"]
    lines += [f"Content-Length: {len(body)}", *(f"{k}: {v}" for k, v in (headers or {}).items())]
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        async with asyncio.timeout(_TIME_LIMIT_S):
            answer = await reader.read()
    finally:
        writer.close()
    head, _, text = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), head.decode(), text
