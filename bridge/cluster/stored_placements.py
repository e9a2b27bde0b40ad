"""Which PBX each organization is on, of several: a row of the table `placements`.

A new organization gets the PBX that a hash names, so that all instances choose the same one. The
row keeps it there when PBXs are added, and when a PBX that was down is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bridge.cluster.calls_away import CallsAway
from bridge.cluster.pbx_states import read_states
from bridge.cluster.placement_choice import first_pbx, names_for_new
from bridge.storage.cluster_tables import placements
from bridge.storage.engine import reading

Moved = Callable[[frozenset[str]], None]
"""Gets the PBXs that organizations have come to. Must return at once."""


class StoredPlacements:
    """Implements Placements. `organizations`: those of the directory in force. `away` is kept
    current."""

    def __init__(
        self,
        engine: AsyncEngine,
        pbx_names: Sequence[str],
        organizations: Callable[[], Collection[str]],
        away: CallsAway | None = None,
    ) -> None:
        self._engine = engine
        self._names = tuple(pbx_names)
        self._organizations = organizations
        self._away = away or CallsAway()
        self._stored: dict[str, str] = {}
        self._at_move: list[Moved] = []
        self._turn = asyncio.Lock()  # an older answer must not come last

    @property
    def pbx_names(self) -> tuple[str, ...]:
        """In the order of the settings."""
        return self._names

    def pbx_of_organization(self, organization: str) -> str:
        """As stored; by the hash, where the row is not read yet or names no PBX of ours."""
        stored = self._stored.get(organization)
        return stored if stored in self._names else first_pbx(organization, self._names)

    def at_move(self, moved: Moved) -> None:
        """Call `moved` when organizations have changed their PBX."""
        self._at_move.append(moved)

    async def read(self) -> None:
        """Read the rows, and add those that are missing. Raises StorageUnavailable."""
        async with self._turn:
            await self._read()

    async def _read(self) -> None:
        async with reading(self._engine) as connection:
            stored = await _rows(connection)
            missing = [x for x in self._organizations() if x not in stored]
            if missing:
                names = names_for_new(await read_states(connection, self._names))
                new = [
                    {"organization": x, "pbx": first_pbx(x, names), "version": 1}
                    for x in sorted(missing)
                ]
                await connection.execute(insert(placements).on_conflict_do_nothing(), new)
                await connection.commit()
                stored = await _rows(connection)  # another instance may have been faster
            before = self._stored
            new_pbxs = {pbx for x, pbx in stored.items() if x in before and before[x] != pbx}
            # Before the first call is placed at the new PBX.
            await self._away.read(connection, self._names, moved=bool(new_pbxs))
        self._stored = stored
        if new_pbxs:
            for moved in self._at_move:
                moved(frozenset(new_pbxs))


async def _rows(connection: AsyncConnection) -> dict[str, str]:
    rows = await connection.execute(select(placements.c.organization, placements.c.pbx))
    return {x.organization: x.pbx for x in rows}
