"""Every attempt to deliver an event, kept for the timeline of its call."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import unquote_plus

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.phone_call_events.delivery import Attempt, Delivery
from bridge.storage.engine import reading
from bridge.storage.event_tables import event_attempts
from bridge.storage.row_writer import RowWriter
from bridge.storage.statement import Statement, Write

BUSY = 1_000
"""While so many groups of writes wait, no attempt is noted: others need the database more."""

_STATUS = re.compile(r"(?:^|&)CallStatus=([^&]*)")
# The first fact of nearly all events, which need not be read as a whole for it.
_TYPE = re.compile(r'\{"(?:type|state)":"([a-z0-9]*)"')

# Of a subscription or a call that is gone by now nothing is kept.
_INSERT = Statement(
    "INSERT INTO event_attempts (delivery_id, at_ms, call_id, subscription_id, extension,"
    " event_type, call_status, host, duration_ms, http_status, error)"
    " SELECT CAST(:delivery_id AS VARCHAR(32)), CAST(:at_ms AS BIGINT), c.id, s.id, s.extension,"
    " CAST(:event_type AS TEXT), CAST(:call_status AS TEXT), CAST(:host AS TEXT),"
    " CAST(:duration_ms AS BIGINT), CAST(:http_status AS INTEGER), CAST(:error AS TEXT)"
    " FROM calls AS c, event_subscriptions AS s"
    " WHERE c.id = :call_id AND s.id = :subscription_id"
    " AND (SELECT count(*) FROM event_attempts AS a WHERE a.call_id = c.id)"
    " < CAST(:attempts_max AS BIGINT)"
    " ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class KeptAttempt:
    """One attempt, at `at_ms` since the epoch. `event_type`, `call_status`: those of the event, the
    type empty where it is not known. `host`: of the receiver's URL."""

    at_ms: int
    subscription_id: str
    event_type: str
    call_status: str
    host: str
    duration_ms: int
    http_status: int | None
    error: str | None


class AttemptStore:
    """`attempts_max`: kept of one call, the first ones; 0: none."""

    def __init__(self, engine: AsyncEngine, queue: RowWriter, attempts_max: int) -> None:
        self._engine = engine
        self._queue = queue
        self._max = attempts_max

    def row(self, delivery: Delivery, attempt: Attempt) -> Write | None:
        """The write that keeps the attempt as long as the row of its call; None: it is not kept."""
        if self._max == 0 or self._queue.waiting >= BUSY:
            return None
        # The order of the values: by name they would cost more, for each event.
        return Write(
            _INSERT,
            (
                delivery.id,
                attempt.at_ms,
                _type_of(delivery),
                _status_of(delivery),
                attempt.host,
                attempt.duration_ms,
                attempt.http_status,
                attempt.error,
                delivery.call_id,
                delivery.subscription_id,
                self._max,
            ),
            counted=False,
        )

    async def of_call(self, call_id: str, extensions: Collection[str]) -> list[KeptAttempt]:
        """The attempts for subscriptions of these extensions, oldest first.

        As they are by now. Raises StorageUnavailable.
        """
        await self._queue.caught_up(within_s=1.0)
        c = event_attempts.c
        shown = (
            c.at_ms,
            c.subscription_id,
            c.event_type,
            c.call_status,
            c.host,
            c.duration_ms,
            c.http_status,
            c.error,
        )
        query = select(*shown).where(c.call_id == call_id, c.extension.in_(sorted(extensions)))
        async with reading(self._engine) as connection:
            rows = (await connection.execute(query.order_by(c.at_ms, c.delivery_id))).all()
        return [KeptAttempt(*row) for row in rows]


def _status_of(delivery: Delivery) -> str:
    found = _STATUS.search(delivery.parameters)
    return "" if found is None else unquote_plus(found[1])


def _type_of(delivery: Delivery) -> str:
    """For a `statusUrl`, the state. Events of older versions do not say it."""
    if delivery.details is None:
        return ""
    if (found := _TYPE.match(delivery.details)) is not None:
        return found[1]
    facts = orjson.loads(delivery.details)
    return str(facts.get("type") or facts.get("state", ""))
