"""Which phones are registered at the edge: read from its table, again after each note of a change.

A note names a number and no state: a phone that comes back from another port causes the note of its
new row, then that of its old one. So each is a reason to read, and nothing more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from bridge.cluster.edge.rows_by_number import in_pages, rows_by_number
from bridge.cluster.edge.several_edges import LOCATION_CHANNEL
from bridge.faults import StorageUnavailable
from bridge.storage.engine import reading
from bridge.supervision.conditions import Condition

log = structlog.get_logger()

READ_ALL_EVERY_S = 30.0
"""A note can be lost with its connection."""
LISTEN_AGAIN_S = 1.0
CONNECT_LIMIT_S = 3.0
NUMBERS_MAX = 500
"""More numbers than these in the notes of one moment: all are read."""

# The browsers of an extension register as a number of their own, and are phones of the extension.
_STATES = """SELECT s.username,
    EXISTS (SELECT FROM edge.reached l WHERE l.username = s.username)
    OR EXISTS (SELECT FROM edge.reached l
        WHERE l.username = s.username || CAST(:browsers AS text))
    FROM edge.subscriber s
    WHERE right(s.username, length(CAST(:browsers AS text))) <> CAST(:browsers AS text)"""
_ALL = in_pages(_STATES, "s.username")
_SOME = text(f"{_STATES} AND s.username = ANY(:numbers)")

_CONTACTS = text(
    "SELECT contact, COALESCE(received, contact), user_agent,"
    " extract(epoch FROM expires)::bigint FROM edge.reached"
    " WHERE username IN (:number, :of_browsers) ORDER BY id DESC LIMIT 20"
)

# Of the connection of the notes, which is used below SQLAlchemy too.
_LOST = (
    *(OSError, TimeoutError, DBAPIError),
    *(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError),
)

Changed = Callable[[str, bool], None]
"""Told each number that has come (True) or gone."""


@dataclass(frozen=True, slots=True)
class EdgeContact:
    """`contact`: the URI that the phone said; `reached_by`: where its requests come from.
    `expires_s`: when the registration ends, in seconds since 1970."""

    contact: str
    reached_by: str
    agent: str
    expires_s: int


class RegisteredPhones:
    """`run` must live as long as this is used. `browsers`: what follows the number of an extension
    in that of its browsers."""

    def __init__(self, engine: AsyncEngine, browsers: str) -> None:
        self._engine = engine
        self._browsers = browsers
        self._observers: list[Changed] = []
        self._states: dict[str, bool] = {}
        self._noted: set[str] = set()
        self._all_due = True
        self._wake = asyncio.Event()
        self._unread = Condition("edge_location_unread_began", "edge_location_unread_ended")
        self._listening = False

    def tell(self, changed: Changed) -> Callable[[], None]:
        """Have `changed` told of each change from now on; what is returned ends that."""
        self._observers.append(changed)
        return lambda: self._observers.remove(changed)

    async def states(self) -> Mapping[str, bool]:
        """Whether a phone is registered, of each number of the edge; read now.

        Raises StorageUnavailable.
        """
        return await self._read_all()

    async def is_registered(self, number: str) -> bool:
        """Read now. Raises StorageUnavailable."""
        return (await self._read([number])).get(number, False)

    async def contacts(self, number: str) -> list[EdgeContact]:
        """The phones that are registered as that number, the newest first; read now.

        Raises StorageUnavailable.
        """
        async with reading(self._engine) as connection:
            numbers = {"number": number, "of_browsers": number + self._browsers}
            rows = (await connection.execute(_CONTACTS, numbers)).all()
        return [EdgeContact(*row) for row in rows]

    async def run(self) -> None:
        """Follow the table until cancelled."""
        while True:
            try:
                await self._follow()
            except _LOST as why:
                self._unread.begin(f"no notes: {type(why).__name__}")
            await self._look()
            await asyncio.sleep(LISTEN_AGAIN_S)

    async def _follow(self) -> None:
        """Until the connection of the notes is lost."""
        engine = create_async_engine(
            self._engine.url, poolclass=NullPool, connect_args={"timeout": CONNECT_LIMIT_S}
        )
        try:
            async with engine.connect() as connection:
                await self._listen(connection)
                self._all_due = True
                while self._listening:
                    await self._look()
                    await self._woken()
        finally:
            self._listening = False
            await engine.dispose()

    async def _listen(self, connection: AsyncConnection) -> None:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        self._listening = True
        driver.add_termination_listener(self._lost)
        await driver.add_listener(LOCATION_CHANNEL, self._note)

    def _note(self, _driver: object, _pid: int, _channel: str, number: str) -> None:
        if number:
            self._noted.add(number.removesuffix(self._browsers))
        else:
            self._all_due = True
        self._wake.set()

    def _lost(self, _driver: object) -> None:
        self._listening = False
        self._wake.set()

    async def _woken(self) -> None:
        try:
            async with asyncio.timeout(READ_ALL_EVERY_S):
                await self._wake.wait()
        except TimeoutError:
            self._all_due = True
        self._wake.clear()

    async def _look(self) -> None:
        """Read what may have changed, and tell what has."""
        # Both now: a note that comes while they are read is of a later change.
        noted, self._noted = self._noted, set()
        everything, self._all_due = self._all_due or len(noted) > NUMBERS_MAX, False
        if not everything and not noted:
            return
        try:
            if everything:
                found = await self._read_all()
            else:
                found = await self._read(sorted(noted))
        except StorageUnavailable as why:
            self._all_due = True
            self._unread.begin(str(why))
            return
        self._unread.end()
        gone = self._states.keys() - found.keys() if everything else noted - found.keys()
        for number, there in [*found.items(), *((x, False) for x in gone)]:
            if self._states.get(number, False) is not there:
                for told in tuple(self._observers):
                    told(number, there)
        self._states = found if everything else {**self._states, **found}
        for number in gone:
            self._states.pop(number, None)

    async def _read_all(self) -> dict[str, bool]:
        rows = rows_by_number(self._engine, _ALL, {"browsers": self._browsers})
        return {number: bool(there) async for number, there in rows}

    async def _read(self, numbers: Sequence[str]) -> dict[str, bool]:
        async with reading(self._engine) as connection:
            values = {"numbers": numbers, "browsers": self._browsers}
            rows = (await connection.execute(_SOME, values)).all()
        return {number: bool(there) for number, there in rows}
