"""The numbers that may register at the edge, each with the digest of its password."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Iterable
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.cluster.edge.rows_by_number import in_pages, rows_by_number
from bridge.storage.row_writer import RowWriter
from bridge.storage.statement import Statement
from bridge.supervision.fair_share import in_turns

AT_A_TIME = 200
"""Rows of one transaction, in which calls are written as well."""

_READ = in_pages("SELECT username, ha1, devices FROM edge.subscriber WHERE TRUE", "username")
_KEEP = Statement(
    "INSERT INTO edge.subscriber (username, ha1, devices) VALUES (:username, :ha1, :devices)"
    " ON CONFLICT (username) DO UPDATE SET ha1 = EXCLUDED.ha1, devices = EXCLUDED.devices"
)
_LEND = Statement(
    "INSERT INTO edge.subscriber (username, ha1, devices, until_s)"
    " VALUES (:username, :ha1, :devices, CAST(extract(epoch FROM now()) AS bigint) + :lasts_s)"
    " ON CONFLICT (username) DO UPDATE SET ha1 = EXCLUDED.ha1, devices = EXCLUDED.devices,"
    " until_s = EXCLUDED.until_s"
)
_REMOVE = Statement("DELETE FROM edge.subscriber WHERE username = :username")


class EdgePhone(Protocol):
    """A phone registers as `number` with `secret`; `devices` of them may at a time."""

    @property
    def number(self) -> str:
        """Extended, as `0003*210`."""

    @property
    def secret(self) -> str:
        """Never written to the database."""

    @property
    def devices(self) -> int:
        """One or more."""


class Subscribers:
    """Every method raises StorageUnavailable, and Fenced where `queue` does."""

    def __init__(
        self,
        engine: AsyncEngine,
        queue: RowWriter,
        realm: str,
        one_at_a_time: asyncio.Lock | None = None,
    ) -> None:
        self._engine = engine
        self._queue = queue
        self._realm = realm
        # Each node of an instance keeps the same numbers; those after the first find them there.
        self._one_at_a_time = one_at_a_time or asyncio.Lock()

    def of_node(self, writes: RowWriter) -> Subscribers:
        """The same numbers, written as the holder of one PBX.

        An instance that was frozen in the middle would otherwise remove the numbers that the next
        holder has let register, or bring old passwords back.
        """
        return Subscribers(self._engine, writes, self._realm, self._one_at_a_time)

    async def keep(self, phones: Iterable[EdgePhone]) -> None:
        """Let these register: after their nodes have them. Others are left as they are."""
        async with self._one_at_a_time:
            known = await self._known()
            wanted = await in_turns(phones, lambda x: (x.number, digest(x, self._realm), x.devices))
            new = [x for x in wanted if known.get(x[0]) != x[1:]]
            for start in range(0, len(new), AT_A_TIME):
                await self._queue.submit(
                    *(
                        _KEEP.write(counted=False, username=number, ha1=ha1, devices=devices)
                        for number, ha1, devices in new[start : start + AT_A_TIME]
                    )
                )

    async def lend(self, phone: EdgePhone, lasts_s: int) -> None:
        """Let this one register with its password for so many seconds, and with no other."""
        ha1 = digest(phone, self._realm)
        await self._queue.submit(
            _LEND.write(
                counted=False,
                username=phone.number,
                ha1=ha1,
                devices=phone.devices,
                lasts_s=lasts_s,
            )
        )

    async def leave_only(self, numbers: Collection[str]) -> None:
        """Let no other register any more: before their nodes forget them.

        The edge drops their registrations within a second.
        """
        async with self._one_at_a_time:
            gone = [x for x in await self._known() if x not in numbers]
            for start in range(0, len(gone), AT_A_TIME):
                await self._queue.submit(
                    *(
                        _REMOVE.write(counted=False, username=number)
                        for number in gone[start : start + AT_A_TIME]
                    )
                )

    async def _known(self) -> dict[str, tuple[str, int]]:
        rows = rows_by_number(self._engine, _READ)
        return {number: (ha1, devices) async for number, ha1, devices in rows}


def digest(phone: EdgePhone, realm: str) -> str:
    """HA1 of RFC 2617: what the edge compares an answer to its challenge with."""
    of_phone = f"{phone.number}:{realm}:{phone.secret}"
    return hashlib.md5(of_phone.encode(), usedforsecurity=False).hexdigest()
