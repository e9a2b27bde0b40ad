"""Hints that one instance gives the others: something has changed, look at the database.

A hint may be lost, or come twice. So a look at an interval stands behind each.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable
from typing import Protocol

from bridge.cluster.lease_connection import LeaseConnection
from bridge.faults import StorageUnavailable
from bridge.supervision.tasks import LivingTask, must_live

HINT_CHARS_MAX = 1000
"""PostgreSQL takes below 8,000 bytes; a hint names one thing."""

Hear = Callable[[str], None]
"""Gets the payload. Must return at once."""


class Hints(Protocol):
    """The channels are shared by all instances of one database, the giver included."""

    def listen(self, channel: str, hear: Hear) -> None:
        """Call `hear` with each payload on the channel, and with "" after a lost connection.

        Hints may have been missed then. `channel`: lower case, digits and `_`.
        """

    def notify(self, channel: str, payload: str) -> None:
        """Give a hint soon; the same one twice in a moment is given once.

        It is dropped if the database does not answer. Raises ValueError if the payload has more
        than `HINT_CHARS_MAX` characters.
        """


class PostgresqlHints:
    """Implements `Hints` by NOTIFY and LISTEN on the connection of the leases."""

    def __init__(self, connection: LeaseConnection) -> None:
        self._connection = connection
        self._hear: defaultdict[str, list[Hear]] = defaultdict(list)
        self._waiting: dict[tuple[str, str], None] = {}
        self._given = asyncio.Event()
        self._task: LivingTask | None = None
        connection.at_hint(self._heard)

    def start(self) -> None:
        """Send from now on."""
        self._task = must_live(self._send_all(), "hints")

    async def stop(self) -> None:
        """Drop those that are not sent."""
        if self._task is not None:
            await self._task.stop()

    def listen(self, channel: str, hear: Hear) -> None:
        if not _CHANNEL.fullmatch(channel):
            raise ValueError(f"not a channel: {channel}")
        self._hear[channel].append(hear)
        self._connection.listen_to(channel)

    def notify(self, channel: str, payload: str) -> None:
        if len(payload) > HINT_CHARS_MAX:
            raise ValueError(f"a hint has at most {HINT_CHARS_MAX} characters")
        self._waiting[channel, payload] = None
        self._given.set()

    def _heard(self, channel: str, payload: str) -> None:
        for hear in self._hear.get(channel, ()):
            hear(payload)

    async def _send_all(self) -> None:
        while True:
            await self._given.wait()
            self._given.clear()
            hints, self._waiting = self._waiting, {}
            try:
                await self._connection.ask(_NOTIFY, *map(list, zip(*hints, strict=True)))
            except StorageUnavailable:
                continue  # whoever needs it looks at an interval; the keeper of leases reports this


_CHANNEL = re.compile(r"[a-z][a-z0-9_]{0,40}")
_NOTIFY = """
SELECT pg_notify(channel, payload) FROM unnest($1::text[], $2::text[]) AS hint (channel, payload)
"""
