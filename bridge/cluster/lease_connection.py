"""The connection to PostgreSQL that leases and hints have for themselves.

Not one of the pool: a renewal must not wait for a place, and LISTEN belongs to one session. For the
same reason it must not go through a pooler that shares sessions.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from bridge.faults import StorageUnavailable, reason
from bridge.storage.answer_limit import AnswerLimit
from bridge.storage.engine import address_of

Row = Any
"""A row of asyncpg: its columns are read by name."""
Heard = Callable[[str, str], None]
"""Gets the channel and the payload of a NOTIFY."""

_LOST = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
# the server has given the statement up, by a time limit of ours; the connection is whole
_GIVEN_UP = ("55P03", "57014")
_SERVER_GIVES_UP = 0.8
"""The part of `answer_s` after which the server itself ends a statement, or a wait for a lock. Its
answer to that comes in time, and the connection stays."""


def since_boot_s() -> float:
    """A clock that never jumps, and that goes on while this machine sleeps, where there is one."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class LeaseConnection:
    """Connects when it is first asked, and again after each loss.

    `heard` gets all that is given on the channels of `listen_to`. `lost` is called when a
    connection has ended. Both must return at once. `answer_s`: for one statement.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        application_name: str,
        answer_s: float,
        clock: Callable[[], float] = since_boot_s,
    ) -> None:
        self._where = address_of(engine)
        self._limit_s = answer_s
        self._clock = clock
        limit_ms = str(int(answer_s * _SERVER_GIVES_UP * 1000))
        self._engine = create_async_engine(
            engine.url,
            poolclass=NullPool,
            connect_args={
                "timeout": answer_s,
                "server_settings": {
                    "application_name": application_name,
                    "statement_timeout": limit_ms,
                    "lock_timeout": limit_ms,
                    # a server that is left behind by a cut link ends the session within a minute
                    "tcp_keepalives_idle": "20",
                    "tcp_keepalives_interval": "10",
                    "tcp_keepalives_count": "3",
                },
            },
        )
        self._turns = asyncio.Lock()
        self._pooled: AsyncConnection | None = None
        self._driver: Any = None
        self._channels: set[str] = set()
        self._listened: set[str] = set()
        self._heard: list[Heard] = []
        self._at_loss: list[Callable[[], None]] = []
        self.up_since_s = clock()
        """When the present connection was made, or the last one."""

    @property
    def is_up(self) -> bool:
        """Whether the last statement left a connection behind."""
        return self._driver is not None

    def listen_to(self, channel: str) -> None:
        """LISTEN there from the next statement on."""
        self._channels.add(channel)

    def at_hint(self, heard: Heard) -> None:
        """Call `heard` with each hint; with the channel and "" for each channel after a loss."""
        self._heard.append(heard)

    def at_loss(self, lost: Callable[[], None]) -> None:
        """Call `lost` once for each connection that the server, or the network, has ended."""
        self._at_loss.append(lost)

    async def ask(self, sql: str, *params: object) -> list[Row]:
        """The rows of one statement, which is a transaction of its own.

        Raises StorageUnavailable: `timed_out` if the database, or a lock, took too long. A
        statement without an answer may have been applied.
        """
        async with self._turns:
            limit = AnswerLimit(self._limit_s)
            try:
                if self._driver is not None and self._driver.is_closed():
                    await self._drop()  # the server has ended it meanwhile
                if self._driver is None:
                    async with asyncio.timeout_at(limit.until_s):
                        await self._connect()
                with limit.guard(self._driver):
                    await self._listen()
                    rows: list[Row] = await self._driver.fetch(sql, *params)
                return rows
            except asyncpg.PostgresError as error:
                given_up = error.sqlstate in _GIVEN_UP
                if not given_up:
                    await self._drop()
                raise self._unavailable(error, limit, timed_out=given_up) from error
            except (*_LOST, DBAPIError) as error:
                await self._drop()
                raise self._unavailable(error, limit) from error
            except BaseException:  # cancelled in the middle of the protocol
                await self._drop()
                raise
            finally:
                limit.end()

    async def close(self) -> None:
        """Drop the connection."""
        async with self._turns:
            await self._drop()

    async def _connect(self) -> None:
        pooled = await self._engine.connect()
        self._pooled = pooled
        driver: Any = (await pooled.get_raw_connection()).driver_connection
        driver.add_termination_listener(self._terminated)
        self._driver = driver
        self._listened.clear()
        self.up_since_s = self._clock()

    async def _listen(self) -> None:
        """Hints on these channels may have been missed until now."""
        for channel in sorted(self._channels - self._listened):
            await self._driver.add_listener(channel, self._notified)
            self._listened.add(channel)
            self._tell(channel, "")

    async def _drop(self) -> None:
        pooled, self._pooled, driver, self._driver = self._pooled, None, self._driver, None
        if driver is not None:
            driver.terminate()
        if pooled is not None:
            with contextlib.suppress(Exception):
                await pooled.invalidate()
            with contextlib.suppress(Exception):
                await pooled.close()

    def _terminated(self, driver: Any) -> None:
        if driver is self._driver:
            for lost in self._at_loss:
                lost()

    def _notified(self, _driver: Any, _pid: int, channel: str, payload: str) -> None:
        self._tell(channel, payload)

    def _tell(self, channel: str, payload: str) -> None:
        for heard in self._heard:
            heard(channel, payload)

    def _unavailable(
        self, error: Exception, limit: AnswerLimit, *, timed_out: bool = False
    ) -> StorageUnavailable:
        why = limit.why if limit.is_over else reason(error)
        return StorageUnavailable(
            f"no leases from {self._where}: {why}", timed_out=timed_out or limit.is_over
        )
