"""Reads the body of a request within a time limit."""

from __future__ import annotations

import asyncio

from aiohttp import web

from bridge.http.context import SERVICES
from bridge.http.errors import UapiError


async def body_of(request: web.Request) -> bytes:
    """All of it. Raises 408 request_timeout, web.HTTPRequestEntityTooLarge, UNREADABLE_BODY."""
    if request.content.is_eof():  # it came with the headers, as nearly all do
        return await request.read()
    limit_s = request.app[SERVICES].settings.body_timeout_s
    try:
        async with asyncio.timeout(limit_s):
            return await request.read()
    except TimeoutError:
        raise UapiError(
            408, "request_timeout", f"The body did not come within {limit_s:g} s."
        ) from None
