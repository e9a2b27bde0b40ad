"""Recorded conversations, the log of deleted ones, tokens of the Verba API."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("pbx", sa.Text, nullable=False),
        sa.Column("call_id", sa.String(20), nullable=False),
        sa.Column("platform_call_id", sa.Text, nullable=False),
        sa.Column("native_id", sa.Text, nullable=False),
        sa.Column("meeting_id", sa.Text, nullable=False),
        sa.Column("organization", sa.Text),
        sa.Column("source_number", sa.Text, nullable=False),
        sa.Column("source_name", sa.Text, nullable=False),
        sa.Column("destination_number", sa.Text, nullable=False),
        sa.Column("destination_name", sa.Text, nullable=False),
        sa.Column("started_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("measured", sa.Integer, nullable=False),
        sa.Column("protected", sa.Integer, nullable=False),
        sa.Column("deletion_ms", sa.BigInteger),
        sa.Column("failure", sa.Text),
        sa.Column("document", sa.Text, nullable=False),
    )
    to_do = sa.text("ended_ms IS NULL OR deletion_ms IS NOT NULL OR measured = 0")
    op.create_index("conversations_call", "conversations", ["call_id"], unique=True)
    op.create_index("conversations_platform", "conversations", ["platform_call_id"])
    op.create_index("conversations_native", "conversations", ["native_id"])
    op.create_index("conversations_meeting", "conversations", ["meeting_id"])
    op.create_index("conversations_started", "conversations", ["started_ms"])
    op.create_index(
        "conversations_to_do", "conversations", ["pbx"], sqlite_where=to_do, postgresql_where=to_do
    )

    op.create_table(
        "conversation_numbers",
        sa.Column("number", sa.Text, primary_key=True),
        _of_conversation(),
    )
    op.create_index(
        "conversation_numbers_conversation", "conversation_numbers", ["conversation_id"]
    )
    op.create_table(
        "conversation_markers",
        _of_conversation(),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("start_ms", sa.BigInteger, nullable=False),
        sa.Column("end_ms", sa.BigInteger),
    )
    op.create_table(
        "conversation_metadata",
        _of_conversation(),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "conversation_deletions",
        sa.Column("conversation_id", sa.String(36), primary_key=True),
        sa.Column("platform_call_id", sa.Text, nullable=False),
        sa.Column("native_id", sa.Text, nullable=False),
        sa.Column("meeting_id", sa.Text, nullable=False),
        sa.Column("phone_call_id", sa.String(20), nullable=False),
        sa.Column("requested_ms", sa.BigInteger, nullable=False),
        sa.Column("key_name", sa.Text, nullable=False),
        sa.Column("user_name", sa.Text, nullable=False),
        sa.Column("remote", sa.Text, nullable=False),
        sa.Column("result", sa.Text, nullable=False),
        sa.Column("done_ms", sa.BigInteger),
    )
    op.create_table(
        "verba_tokens",
        sa.Column("token_hash", sa.Text, primary_key=True),
        sa.Column("key_name", sa.Text, nullable=False),
        sa.Column("user_name", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("verba_tokens_expiry", "verba_tokens", ["expires_ms"])


def _of_conversation() -> sa.Column[str]:
    return sa.Column(
        "conversation_id",
        sa.String(36),
        sa.ForeignKey("conversations.id", ondelete="CASCADE"),
        primary_key=True,
    )
