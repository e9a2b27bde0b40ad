"""The state of each PBX, as its holder says: rows of the table `pbx_states`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import case, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bridge.cluster.placement_choice import PbxCondition, PbxState
from bridge.storage.cluster_tables import pbx_states
from bridge.storage.engine import reading
from bridge.storage.shared_changes import database_clock_ms

TELL_EVERY_S = 1.0
TOLD_WITHIN_S = 4.0
"""An older word does not count: its holder may be dead, or without the database."""
GOES_ON_S = 15.0
"""Longer than a takeover. After more time without a word nobody knows what was meanwhile."""


@dataclass(frozen=True, slots=True)
class ToldState:
    """The word of a holder under its epoch: the condition of a PBX, and for how long it is so."""

    pbx: str
    epoch: int
    condition: PbxCondition
    for_s: float


async def tell(engine: AsyncEngine, told: Sequence[ToldState]) -> None:
    """Write what the holder says. A holder of before changes nothing. Raises StorageUnavailable.

    A condition that goes on is as old as it was, whoever holds the PBX meanwhile: unless nobody had
    said anything for GOES_ON_S.
    """
    async with reading(engine) as connection:
        now_ms = (await connection.execute(select(database_clock_ms()))).scalar_one()
        for one in told:
            new = insert(pbx_states).values(
                pbx=one.pbx,
                state=one.condition.value,
                since_ms=int(now_ms - one.for_s * 1000),
                told_ms=now_ms,
                epoch=one.epoch,
                draining=0,
            )
            row, given = pbx_states.c, new.excluded
            heard = row.told_ms >= now_ms - int(GOES_ON_S * 1000)
            goes_on = (row.state == given.state) & (row.since_ms < given.since_ms) & heard
            update = new.on_conflict_do_update(
                index_elements=[row.pbx],
                set_={
                    "state": given.state,
                    "since_ms": case((goes_on, row.since_ms), else_=given.since_ms),
                    "told_ms": given.told_ms,
                    "epoch": given.epoch,
                },
                where=row.epoch <= given.epoch,
            )
            await connection.execute(update)
        await connection.commit()


async def read_states(
    connection: AsyncConnection, pbx_names: Sequence[str], told_within_s: float = TOLD_WITHIN_S
) -> list[PbxState]:
    """Of these PBXs, in their order. After `told_within_s` without a word one is UNKNOWN."""
    now_ms = (await connection.execute(select(database_clock_ms()))).scalar_one()
    rows = {x.pbx: x for x in await connection.execute(select(pbx_states))}
    found = []
    for name in pbx_names:
        row = rows.get(name)
        if row is None:
            found.append(PbxState(name, PbxCondition.UNKNOWN, 0.0))
            continue
        counts = now_ms - row.told_ms <= told_within_s * 1000
        condition = _condition(row.state) if counts else PbxCondition.UNKNOWN
        for_s = max(0, now_ms - row.since_ms) / 1000
        found.append(PbxState(name, condition, for_s, bool(row.draining)))
    return found


async def seen_ms(engine: AsyncEngine, pbx: str) -> int:
    """Until when a holder said that this PBX is there, by the clock of the database; 0: not known.

    Raises StorageUnavailable.
    """
    async with reading(engine) as connection:
        row = (
            await connection.execute(select(pbx_states).where(pbx_states.c.pbx == pbx))
        ).one_or_none()
    if row is None:
        return 0
    return int(row.since_ms if row.state == PbxCondition.DOWN.value else row.told_ms)


async def set_draining(connection: AsyncConnection, pbx: str, draining: bool) -> None:
    """Say that no organization shall be on this PBX, or that it is in use again."""
    new = insert(pbx_states).values(
        pbx=pbx, state="", since_ms=0, told_ms=0, epoch=0, draining=int(draining)
    )
    await connection.execute(
        new.on_conflict_do_update(
            index_elements=[pbx_states.c.pbx], set_={"draining": new.excluded.draining}
        )
    )


def _condition(text: str) -> PbxCondition:
    """UNKNOWN also for a word of another version."""
    try:
        return PbxCondition(text)
    except ValueError:
        return PbxCondition.UNKNOWN
