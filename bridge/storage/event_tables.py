"""Tables of PhoneCallEvents as the newest migration leaves them; moments in ms since the epoch."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table, Text

from bridge.storage.tables import metadata

# `last_sequence` numbers the events of the subscription, without a gap. `secret` signs them, in
# plain text, because the same key makes the signature and checks it. `types`: numbers with
# commas between them. `format`: form, json. `old_secrets`: JSON, each with the end of its time.
# `call_id`: of a receiver of one call, whose secret is that of its app.
event_subscriptions = Table(
    "event_subscriptions",
    metadata,
    Column("id", String(30), primary_key=True),
    Column("extension", Text, nullable=False),
    Column("types", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("method", Integer, nullable=False),
    Column("status", Integer, nullable=False),
    Column("note", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("modified_ms", BigInteger, nullable=False),
    Column("last_sequence", BigInteger, nullable=False),
    Column("format", Text, nullable=False),
    Column("old_secrets", Text, nullable=False),
    Column("call_id", String(20)),
)

# The secrets that sign the states of single calls (`statusUrl`), one of each app.
event_app_secrets = Table(
    "event_app_secrets",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("secret", Text, nullable=False),
    Column("old_secrets", Text, nullable=False),
)

# One row per event and subscription. `id` is derived from what happened, so that the same event
# cannot be there twice. `state`: waiting, delivered, failed. The columns from `attempted_ms` on
# tell of the last attempt. `details` and `extension_sequence` are NULL in rows of before 0008.
event_deliveries = Table(
    "event_deliveries",
    metadata,
    Column("id", String(32), primary_key=True),
    Column(
        "subscription_id",
        String(30),
        ForeignKey("event_subscriptions.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("sequence", BigInteger, nullable=False),
    Column("call_id", String(20), nullable=False),
    Column("occurred_ms", BigInteger, nullable=False),
    Column("give_up_ms", BigInteger, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_ms", BigInteger, nullable=False),
    Column("attempted_ms", BigInteger),
    Column("duration_ms", BigInteger),
    Column("request", Text),
    Column("http_status", Integer),
    Column("error", Text),
    Column("finished_ms", BigInteger),
    Column("details", Text),
    Column("extension_sequence", BigInteger),
)

# The highest number that an event of the extension has, where several instances make events. One
# instance counts in memory, and leaves it empty.
event_numbers = Table(
    "event_numbers",
    metadata,
    Column("extension", Text, primary_key=True),
    Column("last_number", BigInteger, nullable=False),
)

# Every attempt to deliver an event, for the timeline of its call. `host` is that of the URL.
# They live as long as the row of the call, also if the subscription is deleted before.
event_attempts = Table(
    "event_attempts",
    metadata,
    Column("delivery_id", String(32), primary_key=True),
    Column("at_ms", BigInteger, primary_key=True),
    Column("call_id", String(20), ForeignKey("calls.id", ondelete="CASCADE"), nullable=False),
    Column("subscription_id", String(30), nullable=False),
    Column("extension", Text, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("call_status", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("duration_ms", BigInteger, nullable=False),
    Column("http_status", Integer),
    Column("error", Text),
)
