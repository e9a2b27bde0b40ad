"""Calls and their parties, answers to repeated requests, access tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calls",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("pbx", sa.Text, nullable=False),
        sa.Column("extension", sa.Text),
        sa.Column("user_id", sa.BigInteger),
        sa.Column("organization", sa.Text),
        sa.Column("client_id", sa.Text),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("published_ms", sa.BigInteger, nullable=False),
        sa.Column("answered_ms", sa.BigInteger),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("document", sa.Text, nullable=False),
    )
    live = sa.text("ended_ms IS NULL")
    ended = sa.text("ended_ms IS NOT NULL")
    op.create_index("calls_live", "calls", ["pbx"], sqlite_where=live, postgresql_where=live)
    op.create_index(
        "calls_ended", "calls", ["ended_ms"], sqlite_where=ended, postgresql_where=ended
    )

    op.create_table(
        "call_parties",
        sa.Column("extension", sa.Text, primary_key=True),
        sa.Column(
            "call_id",
            sa.String(20),
            sa.ForeignKey("calls.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("call_parties_call", "call_parties", ["call_id"])

    op.create_table(
        "idempotency",
        sa.Column("client_id", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("body_hash", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("response", sa.Text, nullable=False),
        sa.Column("call_id", sa.String(20)),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("idempotency_created", "idempotency", ["created_ms"])

    op.create_table(
        "tokens",
        sa.Column("token_hash", sa.Text, primary_key=True),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("secret_fingerprint", sa.Text, nullable=False),
        sa.Column("issued_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("tokens_client", "tokens", ["client_id"])
    op.create_index("tokens_expiry", "tokens", ["expires_ms"])
