"""ARI: requests, and events on its WebSocket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import aiohttp
import orjson

log = logging.getLogger("by_hand")

APP = "byhand"
_EVENTS = ("Dial", "ChannelDestroyed")
_RECONNECT_S = 1.0
_LIMIT_S = 5.0


class Ari:
    """Requests to ARI, and its events for as long as the service runs."""

    def __init__(self, url: str, secret: str, on_event: Callable[[dict[str, Any]], None]) -> None:
        self._url = url
        self._auth = aiohttp.BasicAuth("bridge", secret)
        self._on_event = on_event
        self._session: aiohttp.ClientSession

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(
            self._url, auth=self._auth, timeout=aiohttp.ClientTimeout(total=_LIMIT_S)
        )

    async def close(self) -> None:
        await self._session.close()

    async def request(self, method: str, path: str, body: object = None, **query: str) -> Any:
        """Status and JSON. Raises aiohttp.ClientError, TimeoutError."""
        data = None if body is None else orjson.dumps(body)
        headers = {"Content-Type": "application/json"}
        async with self._session.request(
            method, path, params=query, data=data, headers=headers
        ) as answer:
            content = await answer.read()
            return answer.status, orjson.loads(content) if content else None

    async def follow(self, at_connect: Callable[[], Any]) -> None:
        """Take events, for ever; `at_connect` is awaited each time they begin to come."""
        while True:
            try:
                async with self._session.ws_connect(
                    f"/ari/events?app={APP}&subscribeAll=true", max_msg_size=0
                ) as socket:
                    wanted = {"allowed": [{"type": x} for x in _EVENTS]}
                    await self.request("PUT", f"/ari/applications/{APP}/eventFilter", wanted)
                    await at_connect()
                    async for message in socket:
                        self._on_event(orjson.loads(message.data))
            except (aiohttp.ClientError, TimeoutError):
                log.exception("ARI is away")
            await asyncio.sleep(_RECONNECT_S)  # ARI may be away for longer
