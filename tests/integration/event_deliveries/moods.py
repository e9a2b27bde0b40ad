"""What a receiver may do with a request."""

from __future__ import annotations

import asyncio

from aiohttp import web

from bridge.testing.webhook_receiver import Mood, fine


async def hanging(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(3600)  # longer than any time limit
    return web.Response()


async def slow(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(0.5)  # a receiver that takes its time
    return web.Response()


async def closing(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def closing_in_the_headers(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Le")
    request.transport.close()
    return web.Response()


async def garbage(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.write(b"220 mail.example ESMTP\r\n")
    request.transport.close()
    return web.Response()


def sometimes(bad: Mood, good: Mood = fine) -> Mood:
    """Bad, good, bad, good."""
    count = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal count
        count += 1
        return await (bad if count % 2 else good)(request)

    return answer
