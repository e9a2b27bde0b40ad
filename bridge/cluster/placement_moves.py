"""Moves organizations away from a PBX that is down, or that shall be empty."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import structlog
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bridge.cluster.pbx_states import read_states
from bridge.cluster.placement_choice import PbxState, moves
from bridge.storage.cluster_tables import placements
from bridge.storage.engine import reading
from bridge.storage.shared_changes import PLACEMENTS, insert_change

log = structlog.get_logger()

LOOK_EVERY_S = 0.5

_AT_ONCE = 1000  # organizations in one statement


class PlacementMoves:
    """The work of the job `job:placement`. `may_move`: whether this instance has that job now.

    `moved`: is told that rows were changed, after the commit. Without `from_dead` a PBX that is
    down keeps its organizations, as their phones could not follow. One that drains is left all the
    same.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        pbx_names: Sequence[str],
        may_move: Callable[[], bool],
        moved: Callable[[], None],
        *,
        from_dead: bool,
    ) -> None:
        self._engine = engine
        self._names = tuple(pbx_names)
        self._may_move = may_move
        self._moved = moved
        self._from_dead = from_dead

    async def look(self) -> None:
        """Move what must move. Raises StorageUnavailable."""
        if not self._may_move():
            return
        async with reading(self._engine) as connection:
            states = await read_states(connection, self._names)
            if not self._from_dead:
                states = [x for x in states if x.draining or not x.is_left]
            moved = await move(connection, states)
            await connection.commit()
        if moved:
            log.warning("organizations_moved", pbxs=dict(Counter(moved.values())))
            self._moved()


async def move(connection: AsyncConnection, states: Sequence[PbxState]) -> dict[str, str]:
    """Move the organizations that must leave; returns the new PBX of each. Commits nothing.

    An organization that somebody else has moved meanwhile stays where that one has put it.
    """
    left = [x.name for x in states if x.is_left]
    if not left or not any(x.is_target for x in states):
        return {}
    query = select(placements).where(placements.c.pbx.in_(left))
    placed = {x.organization: x.pbx for x in await connection.execute(query)}
    planned = moves(placed, states)
    ways: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for organization, pbx in planned.items():
        ways[placed[organization], pbx].append(organization)
    for (before, after), organizations in sorted(ways.items()):
        for first in range(0, len(organizations), _AT_ONCE):
            some = organizations[first : first + _AT_ONCE]
            await connection.execute(
                update(placements)
                .where(placements.c.organization.in_(some), placements.c.pbx == before)
                .values(pbx=after, version=placements.c.version + 1)
            )
    if planned:
        await connection.execute(insert_change(PLACEMENTS))
    return planned
