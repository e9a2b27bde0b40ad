"""How many clients may fetch media at a time. A slow one takes the place of no other request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from bridge.http.rate_limits import RETRY_AFTER_S
from bridge.http.verba.errors import Code, VerbaError

PLACE_WAIT_S = 5.0
_PLACES = web.AppKey("verba_downloads", asyncio.Semaphore)


def add_places(app: web.Application, places: int) -> None:
    """Let the application send at most `places` downloads at a time."""
    app[_PLACES] = asyncio.Semaphore(places)


@asynccontextmanager
async def download_place(request: web.Request) -> AsyncIterator[None]:
    """Raises VerbaError if none is free within a few seconds."""
    places = request.app[_PLACES]
    try:
        async with asyncio.timeout(PLACE_WAIT_S):
            await places.acquire()
    except TimeoutError:
        text = "As many media files as may be are being fetched; try again soon."
        retry = {"Retry-After": str(RETRY_AFTER_S)}
        raise VerbaError(Code.UNEXPECTED_ERROR, text, retry) from None
    try:
        yield
    finally:
        places.release()
