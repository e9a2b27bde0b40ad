"""The timeline of each call, and the attempts to deliver its events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("calls", sa.Column("timeline", sa.Text))
    op.create_table(
        "event_attempts",
        sa.Column("delivery_id", sa.String(32), primary_key=True),
        sa.Column("at_ms", sa.BigInteger, primary_key=True),
        sa.Column(
            "call_id",
            sa.String(20),
            sa.ForeignKey("calls.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("subscription_id", sa.String(30), nullable=False),
        sa.Column("extension", sa.Text, nullable=False),
        sa.Column("event_type", sa.Text, nullable=False),
        sa.Column("call_status", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("duration_ms", sa.BigInteger, nullable=False),
        sa.Column("http_status", sa.Integer),
        sa.Column("error", sa.Text),
    )
    op.create_index("event_attempts_call", "event_attempts", ["call_id", "at_ms"])
