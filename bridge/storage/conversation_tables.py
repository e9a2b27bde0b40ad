"""Recorded conversations, what belongs to them, and the log of those deleted."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table, Text

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
