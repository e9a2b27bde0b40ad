"""A driver connection in the place of asyncpg's, and the engine that gives it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

Rows = Sequence[Mapping[str, Any]]
Answer = Callable[[str, tuple[object, ...]], Rows]


class FakeDriver:
    """`answer` makes the rows of a statement, or raises. `hangs`: no answer until terminated.

    `between_steps`: what it raises then is what asyncpg does between two steps of a statement.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._ended: list[Callable[[object], None]] = []
        self._listeners: dict[str, Callable[..., None]] = {}
        self._closed = asyncio.Event()
        self.hangs = False
        self.between_steps = False

    def is_closed(self) -> bool:
        return self._closed.is_set()

    def terminate(self) -> None:
        self._closed.set()

    def add_termination_listener(self, ended: Callable[[object], None]) -> None:
        self._ended.append(ended)

    async def add_listener(self, channel: str, heard: Callable[..., None]) -> None:
        assert channel not in self._listeners
        self._listeners[channel] = heard

    async def fetch(self, sql: str, *params: object) -> Rows:
        if self.hangs:
            await self._closed.wait()
            if self.between_steps:
                raise AttributeError("'NoneType' object has no attribute 'bind_execute'")
            raise ConnectionError("connection was closed in the middle of operation")
        return self._answer(sql, params)

    async def execute(self, sql: str, *params: object) -> str:
        return str(await self.fetch(sql, *params))

    def notify(self, channel: str, payload: str) -> None:
        self._listeners[channel](self, 1, channel, payload)

    def break_off(self) -> None:
        """As the server, or the network, does."""
        self.terminate()
        for ended in self._ended:
            ended(self)


class FakePostgresql:
    """In the place of an engine. `connects`: the drivers that it gave, oldest first.

    `down`: what a new connection raises. `hangs`: a new connection does not come about.
    """

    def __init__(self, answer: Answer = lambda _sql, _params: []) -> None:
        self.answer = answer
        self.connects: list[FakeDriver] = []
        self.down: Exception | None = None
        self.hangs = False
        self.options: dict[str, Any] = {}

    def create_async_engine(self, _url: object, **options: Any) -> FakePostgresql:
        self.options = options
        return self

    async def connect(self) -> Any:
        if self.hangs:
            await asyncio.Event().wait()
        if self.down is not None:
            raise self.down
        driver = FakeDriver(lambda sql, params: self.answer(sql, params))
        self.connects.append(driver)

        async def raw() -> object:
            return SimpleNamespace(driver_connection=driver)

        async def nothing() -> None:
            raise RuntimeError("it is closed already")

        return SimpleNamespace(get_raw_connection=raw, invalidate=nothing, close=nothing)
