"""Events on disk: written with the change of the call that caused them, until they are delivered.

The order of a subscription's events is the order of the transactions that wrote them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Row, Select, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.phone_call_events.delivery import Delivery, DeliveryState, NewDelivery
from bridge.phone_call_events.store.event_locks import NUMBERS, SUBSCRIPTIONS
from bridge.phone_call_events.store.receiver_store import purge_receivers
from bridge.storage.engine import reading
from bridge.storage.event_tables import event_deliveries, event_subscriptions
from bridge.storage.purge import purge_in_chunks
from bridge.storage.row_writer import RowWriter
from bridge.storage.statement import Statement, StoppedByGuard, Write

# Three steps keep the numbers without a gap if others write too. The first locks the subscription
# (PostgreSQL). The last takes the number back if the event was there already.
_TAKE_NUMBER = Statement(
    "UPDATE event_subscriptions SET last_sequence = last_sequence + 1"
    " WHERE id = :subscription_id AND status = 1",
    lock=SUBSCRIPTIONS,
    lock_key="subscription_id",
)
_INSERT_WITH = (
    "INSERT INTO event_deliveries (id, subscription_id, sequence, call_id, occurred_ms, give_up_ms,"
    " parameters, details, extension_sequence, state, attempts, next_attempt_ms)"
    " SELECT CAST(:id AS VARCHAR(32)), s.id, s.last_sequence, CAST(:call_id AS VARCHAR(20)),"
    " CAST(:occurred_ms AS BIGINT), CAST(:give_up_ms AS BIGINT), CAST(:parameters AS TEXT),"
    " CAST(:details AS TEXT), {number}, 'waiting', 0, 0"
    " FROM event_subscriptions AS s WHERE s.id = :subscription_id AND s.status = 1"
    " ON CONFLICT (id) DO NOTHING"
)
_INSERT = Statement(_INSERT_WITH.format(number="CAST(:extension_sequence AS BIGINT)"))
_INSERT_COUNTED = Statement(
    _INSERT_WITH.format(
        number="(SELECT n.last_number FROM event_numbers AS n"
        " WHERE n.extension = CAST(:extension AS TEXT))"
    )
)
# It locks the numbers of the extension until the commit, so that they grow over all instances,
# whatever their clocks say.
_COUNT = Statement(
    "INSERT INTO event_numbers (extension, last_number) VALUES (:extension, :at_least)"
    " ON CONFLICT (extension) DO UPDATE SET last_number = CASE"
    " WHEN event_numbers.last_number < excluded.last_number THEN excluded.last_number"
    " ELSE event_numbers.last_number + 1 END",
    lock=NUMBERS,
    lock_key="extension",
)
_COUNT_ON = Statement(
    "INSERT INTO event_numbers (extension, last_number)"
    " SELECT s.extension, max(d.extension_sequence) FROM event_subscriptions AS s"
    " JOIN event_deliveries AS d ON d.subscription_id = s.id AND d.sequence = s.last_sequence"
    " WHERE d.extension_sequence IS NOT NULL GROUP BY s.extension ORDER BY s.extension"
    " ON CONFLICT (extension) DO UPDATE SET last_number = CASE"
    " WHEN event_numbers.last_number < excluded.last_number THEN excluded.last_number"
    " ELSE event_numbers.last_number END",
    many_rows=True,
)
_GIVE_BACK = Statement(
    "UPDATE event_subscriptions SET last_sequence = last_sequence - 1"
    " WHERE id = :subscription_id AND status = 1"
    " AND NOT EXISTS (SELECT 1 FROM event_deliveries AS d"
    " WHERE d.subscription_id = event_subscriptions.id"
    " AND d.sequence = event_subscriptions.last_sequence)"
)
_RECORD = (
    "UPDATE event_deliveries SET state = :state, attempts = :attempts,"
    " next_attempt_ms = :next_attempt_ms, attempted_ms = :attempted_ms,"
    " duration_ms = :duration_ms, request = :request, http_status = :http_status, error = :error,"
    " finished_ms = :finished_ms WHERE id = :id"
)
_DELIVERED = Statement(_RECORD)
# A delivery that was given up meanwhile, with its subscription, does not wait again.
_NOT_DELIVERED = Statement(f"{_RECORD} AND state = 'waiting'")
_AGAIN = Statement(
    "UPDATE event_deliveries SET state = 'waiting', next_attempt_ms = 0, finished_ms = NULL,"
    " give_up_ms = :give_up_ms WHERE id = :id"
)
_PURGE = Statement(
    "DELETE FROM event_deliveries WHERE id IN (SELECT id FROM event_deliveries"
    " WHERE finished_ms < :before_ms ORDER BY finished_ms LIMIT :chunk)",
    many_rows=True,
)

# It jumps from one subscription to the next in the index of waiting events, so that thousands of
# them cost nothing.
_FIRSTS = text(
    "WITH RECURSIVE found AS ("
    "(SELECT subscription_id, sequence FROM event_deliveries WHERE state = 'waiting'"
    " ORDER BY subscription_id, sequence LIMIT 1)"
    " UNION ALL SELECT next.subscription_id, next.sequence FROM found CROSS JOIN LATERAL"
    " (SELECT d.subscription_id, d.sequence FROM event_deliveries AS d"
    " WHERE d.state = 'waiting' AND d.subscription_id > found.subscription_id"
    " ORDER BY d.subscription_id, d.sequence LIMIT 1) AS next)"
    " SELECT subscription_id, sequence FROM found"
)

_FIELDS = [x.name for x in fields(Delivery)]
_STATE = _FIELDS.index("state")
_DELIVERIES = select(*(event_deliveries.c[name] for name in _FIELDS))
_WAITING = (
    _DELIVERIES.where(
        event_deliveries.c.subscription_id == bindparam("subscription_id"),
        event_deliveries.c.state == "waiting",
        event_deliveries.c.sequence > bindparam("after_sequence"),
    )
    .order_by(event_deliveries.c.sequence)
    .limit(bindparam("count"))
)


def write_delivery(new: NewDelivery, counted_for: str = "") -> list[Write]:
    """Does nothing if the subscription is gone or disabled, or has this event already.

    `counted_for`: as of `write_event`, which counts before.
    """
    number: str | int = counted_for or new.extension_sequence
    insert = _INSERT_COUNTED if counted_for else _INSERT
    return [
        _TAKE_NUMBER.write(counted=False, subscription_id=new.subscription_id),
        # The order of the values in both: by name they would cost more, for each event.
        Write(
            insert,
            (
                new.id,
                new.call_id,
                new.occurred_ms,
                new.give_up_ms,
                new.parameters,
                new.details,
                number,
                new.subscription_id,
            ),
            counted=False,
        ),
        _GIVE_BACK.write(counted=False, subscription_id=new.subscription_id),
    ]


def write_event(deliveries: Sequence[NewDelivery], counted_for: str = "") -> list[Write]:
    """One event for each subscription to it, all with the same number.

    `counted_for`: the extension whose events the database counts; the number of the event is at
    least that of its deliveries then. Empty: it is that of its deliveries.
    """
    rows: list[Write] = []
    if counted_for:
        at_least = deliveries[0].extension_sequence
        rows.append(_COUNT.write(counted=False, extension=counted_for, at_least=at_least))
    for delivery in deliveries:
        rows += write_delivery(delivery, counted_for)
    return rows


class EventDeliveryStore:
    """Every async method raises StorageUnavailable."""

    def __init__(self, engine: AsyncEngine, queue: RowWriter) -> None:
        self._engine = engine
        self._queue = queue

    async def last_extension_sequence(self) -> int:
        """The highest number of the newest events of all subscriptions; 0 without one."""
        newest = event_subscriptions.join(
            event_deliveries,
            (event_deliveries.c.subscription_id == event_subscriptions.c.id)
            & (event_deliveries.c.sequence == event_subscriptions.c.last_sequence),
        )
        query = select(func.max(event_deliveries.c.extension_sequence)).select_from(newest)
        async with reading(self._engine) as connection:
            return int((await connection.execute(query)).scalar_one() or 0)

    async def count_on(self) -> None:
        """Let the database count the events of each extension, after those that it has by now."""
        await self._queue.submit(_COUNT_ON.write())

    async def subscriptions_waiting(self) -> list[str]:
        """The enabled subscriptions that have undelivered events."""
        has_some = select(event_deliveries.c.id).where(
            event_deliveries.c.subscription_id == event_subscriptions.c.id,
            event_deliveries.c.state == "waiting",
        )
        query = select(event_subscriptions.c.id).where(
            event_subscriptions.c.status == 1, has_some.exists()
        )
        async with reading(self._engine) as connection:
            return list((await connection.execute(query)).scalars())

    async def first_waiting(self) -> dict[str, int]:
        """The number of the oldest undelivered event of each subscription that has one.

        Made to be asked each second; on PostgreSQL only.
        """
        async with reading(self._engine) as connection:
            rows = (await connection.execute(_FIRSTS)).all()
        return {row.subscription_id: row.sequence for row in rows}

    async def waiting(
        self, subscription_id: str, after_sequence: int, limit: int
    ) -> list[Delivery]:
        """The next undelivered events, in order."""
        return await self._read(
            _WAITING,
            subscription_id=subscription_id,
            after_sequence=after_sequence,
            count=limit,
        )

    async def write(self, writes: Sequence[Write]) -> None:
        """On disk when this returns; those of `write_delivery`."""
        await self._queue.submit(*writes)

    async def caught_up(self) -> bool:
        """True once what was recorded is on disk; False if it cannot be written now."""
        return await self._queue.caught_up()

    def once_recorded(self, told: Callable[[], None]) -> None:
        """Call `told` once what was recorded until now is on disk, however long that takes."""
        self._queue.submit_later(written=told)

    async def count_waiting(self, subscription_id: str, after_sequence: int) -> int:
        """How many events of the subscription wait that are newer than `after_sequence`.

        Raises StorageUnavailable.
        """
        query = select(func.count()).where(
            event_deliveries.c.subscription_id == subscription_id,
            event_deliveries.c.state == "waiting",
            event_deliveries.c.sequence > after_sequence,
        )
        async with reading(self._engine) as connection:
            return int((await connection.execute(query)).scalar_one())

    async def find(self, subscription_id: str, delivery_id: str) -> Delivery | None:
        """As it is by now: what was recorded of it is on disk first."""
        await self._queue.caught_up()
        found = await self._read(
            _DELIVERIES.where(
                event_deliveries.c.id == delivery_id,
                event_deliveries.c.subscription_id == subscription_id,
            )
        )
        return found[0] if found else None

    async def page(
        self, subscription_id: str, *, start: int, count: int, newest_first: bool
    ) -> tuple[list[Delivery], int]:
        """Some of the kept deliveries of a subscription, and how many there are in all.

        As they are by now: what was recorded of them is on disk first.
        """
        await self._queue.caught_up()
        of_subscription = event_deliveries.c.subscription_id == subscription_id
        order = event_deliveries.c.sequence.desc() if newest_first else event_deliveries.c.sequence
        rows = await self._read(
            _DELIVERIES.where(of_subscription).order_by(order).offset(start).limit(count)
        )
        async with reading(self._engine) as connection:
            total = await connection.execute(select(func.count()).where(of_subscription))
            return rows, int(total.scalar_one())

    async def page_after(
        self, subscription_id: str, sequence: int | None, *, count: int, newest_first: bool
    ) -> tuple[list[Delivery], bool]:
        """As `page`, from the delivery after this sequence on, or the first; whether more follow.

        No more rows are read than the page has.
        """
        await self._queue.caught_up()
        column = event_deliveries.c.sequence
        query = _DELIVERIES.where(event_deliveries.c.subscription_id == subscription_id)
        if sequence is not None:
            query = query.where(column < sequence if newest_first else column > sequence)
        order = column.desc() if newest_first else column
        rows = await self._read(query.order_by(order).limit(count + 1))
        return rows[:count], len(rows) > count

    def record(
        self,
        delivery: Delivery,
        attempt: Write | None = None,
        *,
        written: Callable[[], None] | None = None,
    ) -> None:
        """The stored state of one delivery. Does not wait; a crash before it is written sends it
        again.

        `attempt` is written with it. `written` is called once it is on disk, unless something newer
        has been recorded by then.
        """
        delivered = delivery.state is DeliveryState.DELIVERED
        # The order of the values: by name they would cost more, for each event.
        state = Write(
            _DELIVERED if delivered else _NOT_DELIVERED,
            (
                delivery.state.value,
                delivery.attempts,
                delivery.next_attempt_ms,
                delivery.attempted_ms,
                delivery.duration_ms,
                delivery.request,
                delivery.http_status,
                delivery.error,
                delivery.finished_ms,
                delivery.id,
            ),
            counted=False,
        )
        self._queue.submit_later(
            *((state,) if attempt is None else (state, attempt)),
            key=("event delivery", delivery.id),
            # Something newer overwrites the state, not the attempt.
            final=attempt is not None,
            written=written,
        )

    async def wait_again(
        self, delivery_id: str, give_up_ms: int, first: Write | None = None
    ) -> None:
        """Let it wait for delivery once more, whatever became of it; on disk when this returns.

        `first`: written before it, in the same transaction; if it changes no row, nothing is
        written. Raises StoppedByGuard then.
        """
        again = _AGAIN.write(counted=False, give_up_ms=give_up_ms, id=delivery_id)
        await self._submit(again, first)

    async def keep(self, first: Write) -> None:
        """Write only that. Raises StoppedByGuard if it changes no row."""
        await self._submit(None, first)

    async def _submit(self, write: Write | None, first: Write | None) -> None:
        writes = [x for x in (first, write) if x is not None]
        counts = await self._queue.submit(*writes)
        if first is not None and not counts[0]:
            raise StoppedByGuard

    async def purge_finished(self, before_ms: int) -> int:
        """Remove what was delivered or given up before that moment; returns how many.

        Receivers of single calls go with the last of it.
        """
        removed = await purge_in_chunks(self._queue, _PURGE, before_ms)
        await purge_receivers(self._queue, before_ms)
        return removed

    async def _read(self, query: Select[Any], **values: str | int) -> list[Delivery]:
        async with reading(self._engine) as connection:
            rows: Sequence[Row[Any]] = (await connection.execute(query, values)).all()
        return [_delivery(row) for row in rows]


def _delivery(row: Row[Any]) -> Delivery:
    values = list(row)
    values[_STATE] = DeliveryState(values[_STATE])
    return Delivery(*values)
