"""Rows of revision 0006: subscriptions go on, and events that waited are delivered."""

from __future__ import annotations

from alembic import command
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import StaticPool

from bridge.phone_call_events.event_body import details_header, json_body
from bridge.phone_call_events.store.delivery_store import EventDeliveryStore
from bridge.phone_call_events.store.subscription_store import EventSubscriptionStore
from bridge.phone_call_events.subscription import BodyFormat, EventType
from bridge.storage.engine import connect_sqlite_writer, open_engine
from bridge.storage.migrate import alembic_config, migrate
from bridge.storage.write_queue import WriteQueue

_ROWS = (
    "INSERT INTO event_subscriptions (id, extension, type, url, method, status, note, secret,"
    " client_id, modified_ms, last_sequence)"
    " VALUES ('s', '0003*210', 100, 'http://h/', 1, 1, '', 'key', 'app', 1, 4)",
    "INSERT INTO event_deliveries (id, subscription_id, sequence, call_id, occurred_ms, give_up_ms,"
    " parameters, state, attempts, next_attempt_ms)"
    " VALUES ('d', 's', 4, 'c', 5, 6, 'CallID=1', 'waiting', 0, 0)",
)


def _as_of_0006(connection: Connection) -> None:
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "0006")
    for row in _ROWS:
        connection.execute(text(row))


async def test_given_rows_of_before_when_migrated_then_they_are_delivered(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    writer = connect_sqlite_writer(engine)
    before = create_engine("sqlite://", creator=lambda: writer, poolclass=StaticPool)
    with before.connect() as connection:
        _as_of_0006(connection)
    writer.close()
    await migrate(engine)
    queue = WriteQueue(engine)
    await queue.start()
    deliveries = EventDeliveryStore(engine, queue)
    [subscription] = await EventSubscriptionStore(engine, queue).load()
    [waiting] = await deliveries.waiting("s", 0, 10)
    assert await deliveries.last_extension_sequence() == 0
    await queue.stop()
    await engine.dispose()
    assert (subscription.types, subscription.format) == ((EventType.DIGIT,), BodyFormat.FORM)
    assert details_header(waiting) == "occurredMs=5&phoneCallId=c"
    assert b'"parameters":{"CallID":"1"}' in json_body(waiting)
