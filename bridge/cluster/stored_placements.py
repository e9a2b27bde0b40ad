"""Which PBX each organization is on, of several: a row of the table `placements`.

A new organization gets the PBX that a hash names, so that all instances choose the same one. The
row keeps it there when PBXs are added.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.storage.cluster_tables import placements
from bridge.storage.engine import reading

READ_EVERY_S = 2.0
"""A move of an organization to another PBX is known to all instances after twice this time."""


class StoredPlacements:
    """Implements Placements. `organizations`: those of the directory in force."""

    def __init__(
        self,
        engine: AsyncEngine,
        pbx_names: Sequence[str],
        organizations: Callable[[], Collection[str]],
    ) -> None:
        self._engine = engine
        self._names = tuple(pbx_names)
        self._organizations = organizations
        self._stored: dict[str, str] = {}

    @property
    def pbx_names(self) -> tuple[str, ...]:
        """In the order of the settings."""
        return self._names

    def pbx_of_organization(self, organization: str) -> str:
        """As stored; by the hash, where the row is not read yet or names no PBX of ours."""
        stored = self._stored.get(organization)
        return stored if stored in self._names else first_pbx(organization, self._names)

    async def read(self) -> None:
        """Read the rows, and add those that are missing. Raises StorageUnavailable."""
        async with reading(self._engine) as connection:
            rows = (await connection.execute(select(placements))).all()
            stored = {x.organization: x.pbx for x in rows}
            missing = [x for x in self._organizations() if x not in stored]
            if missing:
                new = [
                    {"organization": x, "pbx": first_pbx(x, self._names), "version": 1}
                    for x in sorted(missing)
                ]
                await connection.execute(insert(placements).on_conflict_do_nothing(), new)
                await connection.commit()
        self._stored = stored


def first_pbx(organization: str, pbx_names: Sequence[str]) -> str:
    """The PBX of a new organization. One more name moves only the share that it gets."""

    def weight(name: str) -> bytes:
        return hashlib.sha256(f"{organization}\0{name}".encode()).digest()

    return max(pbx_names, key=weight)
