"""HTTP requests byte for byte as written, for what an HTTP library would put right."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from bridge.testing.lab.api_client import Answer

_TIMEOUT_S = 15.0


async def send_raw(
    base_url: str,
    request_line: str,
    headers: Mapping[str, str],
    body: str = "",
) -> Answer:
    """One request on a connection of its own. `headers` are sent as they are, with no Host added.

    Content-Length is added where there is a body.
    """
    address = urlsplit(base_url)
    lines = [request_line, *(f"{name}: {value}" for name, value in headers.items())]
    lines += ["Connection: close"]
    if body:
        lines += [f"Content-Length: {len(body.encode())}"]
    async with asyncio.timeout(_TIMEOUT_S):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            writer.write("\r\n".join([*lines, "", body]).encode())
            await writer.drain()
            answer = (await reader.read()).decode()
        finally:
            writer.close()
    head, _, text = answer.partition("\r\n\r\n")
    status_line, *fields = head.split("\r\n")
    return Answer(
        int(status_line.split(" ")[1]),
        dict(x.split(": ", 1) for x in fields),
        text,
        json.loads(text) if text else None,
    )
