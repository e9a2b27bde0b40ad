"""The status that an app gave an agent, on disk."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.clock import now_ms
from bridge.queues.agent import AgentStatus
from bridge.storage.engine import reading
from bridge.storage.queue_tables import queue_agents
from bridge.storage.row_writer import RowWriter
from bridge.storage.statement import Statement

_DELETE = Statement("DELETE FROM queue_agents WHERE queue = :queue AND agent = :agent")
_INSERT = Statement(
    "INSERT INTO queue_agents (queue, agent, status, changed_ms)"
    " VALUES (:queue, :agent, :status, :changed_ms)"
)


class AgentStore:
    """Every method raises StorageUnavailable."""

    def __init__(self, engine: AsyncEngine, queue: RowWriter) -> None:
        self._engine = engine
        self._queue = queue

    async def save(self, queue: str, agent: str, status: AgentStatus) -> None:
        """On disk when this returns. `queue` and `agent`: extended numbers."""
        await self._queue.submit(
            _DELETE.write(counted=False, queue=queue, agent=agent),
            _INSERT.write(
                counted=False, queue=queue, agent=agent, status=int(status), changed_ms=now_ms()
            ),
        )

    async def statuses(self, queue: str) -> dict[str, AgentStatus]:
        """The stored status of each agent of that queue; those never set are missing."""
        columns = (queue_agents.c.agent, queue_agents.c.status)
        query = select(*columns).where(queue_agents.c.queue == queue)
        async with reading(self._engine) as connection:
            rows = (await connection.execute(query)).all()
        return {agent: AgentStatus(status) for agent, status in rows}
