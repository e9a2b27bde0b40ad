"""The tables of queues."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, Table, Text

from bridge.storage.tables import metadata

# The status that an app gave an agent: 0 logged out, 1 online, 2 paused.
queue_agents = Table(
    "queue_agents",
    metadata,
    Column("queue", Text, primary_key=True),
    Column("agent", Text, primary_key=True),
    Column("status", Integer, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)
