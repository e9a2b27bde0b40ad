"""The tables as the newest migration leaves them. All moments are milliseconds since the epoch."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

# One row per PhoneCall. `document` is the whole PhoneCall as JSON; the other columns repeat what
# queries need. `ended_ms` is NULL while the call lives; a row that has it never changes again.
# `timeline` is JSON, too, and last, so that nobody else reads it.
calls = Table(
    "calls",
    metadata,
    Column("id", String(20), primary_key=True),
    Column("pbx", Text, nullable=False),
    Column("extension", Text),
    Column("user_id", BigInteger),
    Column("organization", Text),
    Column("client_id", Text),
    Column("origin", Text, nullable=False),
    Column("published_ms", BigInteger, nullable=False),
    Column("answered_ms", BigInteger),
    Column("ended_ms", BigInteger),
    Column("document", Text, nullable=False),
    Column("timeline", Text),
)

# Every extension a call concerns, also the one that only pays. `published_ms` is that of the call,
# which never changes: so the calls of an extension are in the order of their beginning.
call_parties = Table(
    "call_parties",
    metadata,
    Column("extension", Text, primary_key=True),
    Column("published_ms", BigInteger, primary_key=True),
    Column("call_id", String(20), ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True),
    sqlite_with_rowid=False,
)

# The first answer to a request with an Idempotency-Key.
idempotency = Table(
    "idempotency",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("body_hash", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("response", Text, nullable=False),
    Column("call_id", String(20)),
    Column("created_ms", BigInteger, nullable=False),
)

# Access tokens, by their hash only. `secret_fingerprint` tells that the app's secret has changed.
tokens = Table(
    "tokens",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("secret_fingerprint", Text, nullable=False),
    Column("issued_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)

# One row per service, written to find out whether the database can be written.
storage_probes = Table(
    "storage_probes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
)
