"""A receiver of events, in any mood."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import orjson
from aiohttp import web

Mood = Callable[[web.Request], Awaitable[web.StreamResponse]]

PARAMETERS = (
    "CallID",
    "CallerIDNum",
    "CallerIDName",
    "CalledDID",
    "CalledExtension",
    "CallStatus",
    "CallFlow",
    "CallerExtension",
    "CalledNumber",
    "CallAPIID",
)
"""The parameters of every event, in this order."""


@dataclass(frozen=True)
class Received:
    """`target` is the path and query as they came in the request line."""

    at_s: float
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def parameters(self) -> dict[str, str]:
        """Of the query for GET, of the body for POST; each may be there once."""
        text = self.body.decode() if self.method == "POST" else urlsplit(self.target).query
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True)
        assert len(dict(pairs)) == len(pairs), pairs
        return dict(pairs)

    @property
    def json(self) -> dict[str, Any]:
        """Of an event in JSON."""
        assert self.headers["Content-Type"] == "application/json"
        event: dict[str, Any] = orjson.loads(self.body)
        return event

    @property
    def sequence(self) -> int:
        return int(self.headers["X-Event-Sequence"])

    @property
    def attempt(self) -> int:
        return int(self.headers["X-Event-Attempt"])

    @property
    def delivery_id(self) -> str:
        return self.headers["X-Event-Delivery-Id"]


async def fine(_: web.Request) -> web.StreamResponse:
    return web.Response()


def refusing(status: int, **headers: str) -> Mood:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers=headers)

    return answer


def waiting_for(free: asyncio.Event, status: int = 200) -> Mood:
    """Does not answer before that."""

    async def answer(_: web.Request) -> web.StreamResponse:
        await free.wait()
        return web.Response(status=status)

    return answer


class Receiver:
    """Keeps everything it gets, in order; answers as `mood` says, or as `moods` says for a path."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._host = host
        self.received: list[Received] = []
        self.mood: Mood = fine
        self.moods: dict[str, Mood] = {}
        self._port = 0
        self._changed = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._kept_port: socket.socket | None = None

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()
        self._give_port_free()

    async def up(self) -> None:
        """Listen, after `down` on the same port as before."""
        app = web.Application(client_max_size=1 << 20)
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self._give_port_free()

    async def down(self) -> None:
        """Connections are refused; nobody else gets the port meanwhile."""
        await self._stop()
        # Bound and not listening: that is what refuses.
        self._kept_port = socket.socket()
        self._kept_port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._kept_port.bind((self._host, self._port))

    def _give_port_free(self) -> None:
        if self._kept_port is not None:
            self._kept_port.close()
            self._kept_port = None

    async def _stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def url(self, path: str = "/") -> str:
        return f"http://{self._host}:{self._port}{path}"

    def at(self, path: str) -> list[Received]:
        return [x for x in self.received if x.path == path]

    async def wait(
        self, enough: Callable[[], bool], time_limit_s: float = 10.0, what: str = ""
    ) -> None:
        """Until `enough`, which is asked after each request."""
        deadline = time.monotonic() + time_limit_s
        while not enough():
            self._changed.clear()
            left_s = deadline - time.monotonic()
            try:
                await asyncio.wait_for(self._changed.wait(), max(left_s, 0.001))
            except TimeoutError:
                if enough():
                    return
                raise AssertionError(f"{what or 'not enough'}: {self.received[-20:]}") from None

    async def wait_count(self, count: int, path: str = "/", time_limit_s: float = 10.0) -> None:
        what = f"{count} requests at {path} did not come"
        await self.wait(lambda: len(self.at(path)) >= count, time_limit_s, what)

    async def _take(self, request: web.Request) -> web.StreamResponse:
        self.received.append(
            Received(
                time.time(),
                request.method,
                request.raw_path,
                dict(request.headers),
                await request.read(),
            )
        )
        self._changed.set()
        return await self.moods.get(request.path, self.mood)(request)
