"""Recorded conversations, what belongs to them, and the log of those deleted."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text, or_

from bridge.storage.tables import metadata

# `document` is the Conversation as JSON without its marks; the marks are columns, since several
# may change them at once; the other columns repeat what queries need.
conversations = Table(
    "conversations",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("pbx", Text, nullable=False),
    Column("call_id", String(20), nullable=False),
    Column("platform_call_id", Text, nullable=False),
    Column("native_id", Text, nullable=False),
    Column("meeting_id", Text, nullable=False),
    Column("organization", Text),
    Column("source_number", Text, nullable=False),
    Column("source_name", Text, nullable=False),
    Column("destination_number", Text, nullable=False),
    Column("destination_name", Text, nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    Column("measured", Integer, nullable=False),
    Column("protected", Integer, nullable=False),
    Column("deletion_ms", BigInteger),
    Column("failure", Text),
    Column("document", Text, nullable=False),
)
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

# Every spelling of every number that called or was called.
conversation_numbers = Table(
    "conversation_numbers",
    metadata,
    Column("number", Text, primary_key=True),
    Column(
        "conversation_id",
        String(36),
        ForeignKey("conversations.id", ondelete="CASCADE"),
        primary_key=True,
    ),
)
Index("conversation_numbers_conversation", conversation_numbers.c.conversation_id)

conversation_markers = Table(
    "conversation_markers",
    metadata,
    Column(
        "conversation_id",
        String(36),
        ForeignKey("conversations.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("start_ms", BigInteger, nullable=False),
    Column("end_ms", BigInteger),
)

conversation_metadata = Table(
    "conversation_metadata",
    metadata,
    Column(
        "conversation_id",
        String(36),
        ForeignKey("conversations.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

# One line per deletion; it stays when the conversation is gone.
conversation_deletions = Table(
    "conversation_deletions",
    metadata,
    Column("conversation_id", String(36), primary_key=True),
    Column("platform_call_id", Text, nullable=False),
    Column("native_id", Text, nullable=False),
    Column("meeting_id", Text, nullable=False),
    Column("phone_call_id", String(20), nullable=False),
    Column("requested_ms", BigInteger, nullable=False),
    Column("key_name", Text, nullable=False),
    Column("user_name", Text, nullable=False),
    Column("remote", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("done_ms", BigInteger),
)

# Tokens of the Verba API, by their hash only; `fingerprint` ties one to the password it was for.
verba_tokens = Table(
    "verba_tokens",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("key_name", Text, nullable=False),
    Column("user_name", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)
Index("verba_tokens_expiry", verba_tokens.c.expires_ms)
