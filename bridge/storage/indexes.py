"""The indexes as the newest migration leaves them.

The indexes are apart from the tables, because only migrations and their tests read them. Declaring
a partial index loads SQLAlchemy's dialects with the drivers of both engines.
"""

from __future__ import annotations

from sqlalchemy import Index, or_

from bridge.storage.cluster_tables import leases, shared_changes, shared_codes
from bridge.storage.conversation_tables import (
    conversation_numbers,
    conversations,
    verba_tokens,
)
from bridge.storage.event_tables import (
    event_attempts,
    event_deliveries,
    event_subscriptions,
)
from bridge.storage.queue_tables import queue_agents  # noqa: F401 - the migrations compare it
from bridge.storage.tables import call_parties, calls, idempotency, tokens

Index(
    "calls_live",
    calls.c.pbx,
    sqlite_where=calls.c.ended_ms.is_(None),
    postgresql_where=calls.c.ended_ms.is_(None),
)
Index(
    "calls_ended",
    calls.c.ended_ms,
    sqlite_where=calls.c.ended_ms.is_not(None),
    postgresql_where=calls.c.ended_ms.is_not(None),
)
Index("calls_listed", calls.c.id, calls.c.ended_ms, calls.c.published_ms)
Index("call_parties_call", call_parties.c.call_id)
Index("idempotency_created", idempotency.c.created_ms)
Index("tokens_client", tokens.c.client_id)
Index("tokens_expiry", tokens.c.expires_ms)

Index("event_subscriptions_extension", event_subscriptions.c.extension)
Index(
    "event_subscriptions_of_calls",
    event_subscriptions.c.modified_ms,
    sqlite_where=event_subscriptions.c.call_id.is_not(None),
    postgresql_where=event_subscriptions.c.call_id.is_not(None),
)
Index("event_deliveries_order", event_deliveries.c.subscription_id, event_deliveries.c.sequence)
Index(
    "event_deliveries_waiting",
    event_deliveries.c.subscription_id,
    event_deliveries.c.sequence,
    sqlite_where=event_deliveries.c.state == "waiting",
    postgresql_where=event_deliveries.c.state == "waiting",
)
Index(
    "event_deliveries_finished",
    event_deliveries.c.finished_ms,
    sqlite_where=event_deliveries.c.finished_ms.is_not(None),
    postgresql_where=event_deliveries.c.finished_ms.is_not(None),
)
Index("event_attempts_call", event_attempts.c.call_id, event_attempts.c.at_ms)

_to_do = or_(
    conversations.c.ended_ms.is_(None),
    conversations.c.deletion_ms.is_not(None),
    conversations.c.measured == 0,
)
Index("conversations_call", conversations.c.call_id, unique=True)
Index("conversations_platform", conversations.c.platform_call_id)
Index("conversations_native", conversations.c.native_id)
Index("conversations_meeting", conversations.c.meeting_id)
Index("conversations_started", conversations.c.started_ms)
Index("conversations_to_do", conversations.c.pbx, sqlite_where=_to_do, postgresql_where=_to_do)
Index("conversation_numbers_conversation", conversation_numbers.c.conversation_id)
Index("verba_tokens_expiry", verba_tokens.c.expires_ms)
Index("leases_epoch", leases.c.resource, leases.c.epoch, unique=True)
Index("shared_changes_changed", shared_changes.c.changed_ms)
Index("shared_codes_owner", shared_codes.c.owner, shared_codes.c.expires_ms)
