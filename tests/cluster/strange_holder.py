"""A server that stands where an instance was told to be, and answers as the test wants."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from bridge.clock import now_ms
from bridge.cluster.forward_header import HEADER, ForwardSigner, RequestShape

Says = Callable[[web.Request, str], Awaitable[web.StreamResponse]]
"""Gets the request, and the proof that a genuine instance would answer with."""


@asynccontextmanager
async def strange_holder(name: str, secret: str, says: Says) -> AsyncIterator[str]:
    """The URL of it. It has the cluster secret, so that it can prove its answers."""
    signer = ForwardSigner(secret, name)

    async def answer(request: web.Request) -> web.StreamResponse:
        lower = {k.lower(): v for k, v in request.headers.items()}
        shape = RequestShape(request.method, request.raw_path, lower)
        return await says(request, signer.check(request.headers[HEADER], shape, now_ms()).proof)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
