"""Two makers of events of the same extensions, in opposite order, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.phone_call_events.store.delivery_store import EventDeliveryStore, write_event
from bridge.phone_call_events.store.subscription_store import EventSubscriptionStore
from bridge.phone_call_events.subscription import Subscription
from bridge.storage.engine import FROZEN_WRITER_LIMIT_S, open_engine
from bridge.storage.postgresql_writer import PostgresqlWriter
from bridge.storage.statement import Group, Statement
from bridge.storage.write_queue import WriteQueue
from bridge.testing.eventually import eventually

from .lease_rows import connected
from .test_event_deliveries import MOST, a_subscription, an_event

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

TOUCH = Statement("UPDATE storage_probes SET at_ms = at_ms + 1 WHERE name = :name")
_WAIT = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND wait_event_type = 'Lock'"
)


def groups_of(subscriptions: Sequence[Subscription], call_id: str) -> list[Group]:
    """An event of each, with a wait for the test after the first one."""
    first, *others = (
        tuple(
            write_event([replace(an_event(x, call_id), id=f"{call_id}{x.extension}")], x.extension)
        )
        for x in subscriptions
    )
    return [first, (TOUCH.write(name="held"),), *others]


@pytest.mark.parametrize("counted_before", [True, False])
async def test_given_two_batches_in_opposite_order_then_neither_is_refused(
    engine: AsyncEngine, queue: WriteQueue, counted_before: bool
) -> None:
    url = engine.url.render_as_string(hide_password=False)
    of_several = open_engine(url, writer_silence_limit_s=FROZEN_WRITER_LIMIT_S)
    both = [a_subscription(1, extension="0003*210"), a_subscription(2, extension="0003*211")]
    store = EventSubscriptionStore(engine, queue)
    for one in both:
        await store.insert(one, MOST)
    if counted_before:
        await queue.submit(*(w for x in both for w in write_event([an_event(x, "0")], x.extension)))
    probe = Statement("INSERT INTO storage_probes (name, at_ms) VALUES ('held', 0)")
    await queue.submit(probe.write())
    writers = [PostgresqlWriter(of_several) for _ in range(2)]
    async with connected(engine) as holding, connected(engine) as watching:
        held: Any = holding.transaction()
        await held.start()
        await holding.execute("UPDATE storage_probes SET at_ms = 1")
        commits = [
            asyncio.ensure_future(writer.commit(groups_of(order, call_id)))
            for writer, order, call_id in zip(writers, (both, both[::-1]), ("a", "b"), strict=True)
        ]

        async def both_wait() -> bool:
            return bool(await watching.fetchval(_WAIT) == 2)

        await eventually(both_wait, 30)
        await held.rollback()
        await asyncio.gather(*commits)  # of a deadlock one is refused
    for writer in writers:
        await writer.close()
    await of_several.dispose()
    deliveries = EventDeliveryStore(engine, queue)
    for one in both:
        found = await deliveries.waiting(one.id, 0, 10)
        assert [x.sequence for x in found] == list(range(1, len(found) + 1))
        assert {x.call_id for x in found} == {"a", "b"} | ({"0"} if counted_before else set())
