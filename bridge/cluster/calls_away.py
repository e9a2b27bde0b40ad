"""The live calls that are not on the PBX of their organization, after that has moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.cluster.pbx_states import read_states
from bridge.cluster.placement_choice import PbxCondition
from bridge.storage.cluster_tables import placements
from bridge.storage.tables import calls


class CallsAway:
    """Limits of calls count them, too. Those of a PBX that is down do not count: they are over,
    most likely, and nobody can end them.
    """

    def __init__(self) -> None:
        self._may_be = True
        self._by_extension: Counter[tuple[str, str]] = Counter()
        self._by_user: Counter[tuple[str, int]] = Counter()

    def of_extension(self, number: str, pbx: str) -> int:
        """How many the extension pays for on other PBXs than this one."""
        return sum(n for (x, y), n in self._by_extension.items() if y == number and x != pbx)

    def of_user(self, user_id: int, pbx: str) -> int:
        """How many the extensions of this user pay for on other PBXs than this one."""
        return sum(n for (x, y), n in self._by_user.items() if y == user_id and x != pbx)

    async def read(
        self, connection: AsyncConnection, pbx_names: Sequence[str], *, moved: bool
    ) -> None:
        """Count them. `moved`: an organization has moved since; else there may be none.

        After a move they are counted once more: another instance may not have heard of it yet.
        """
        if not (moved or self._may_be):
            return
        query = (
            select(calls.c.pbx, calls.c.extension, calls.c.user_id, func.count().label("n"))
            .join(placements, placements.c.organization == calls.c.organization)
            .where(
                calls.c.ended_ms.is_(None),
                calls.c.extension.is_not(None),
                calls.c.pbx != placements.c.pbx,
            )
            .group_by(calls.c.pbx, calls.c.extension, calls.c.user_id)
        )
        rows = (await connection.execute(query)).all()
        self._may_be = moved or bool(rows)
        states = await read_states(connection, pbx_names) if rows else ()
        down = {x.name for x in states if x.condition is PbxCondition.DOWN}
        self._by_extension.clear()
        self._by_user.clear()
        for row in rows:
            if row.pbx not in down:
                self._by_extension[row.pbx, row.extension] += row.n
                self._by_user[row.pbx, row.user_id] += row.n
