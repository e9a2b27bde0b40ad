"""Subscriptions to events of extensions, and the events on their way to the subscribers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "event_subscriptions",
        sa.Column("id", sa.String(30), primary_key=True),
        sa.Column("extension", sa.Text, nullable=False),
        sa.Column("type", sa.Integer, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("method", sa.Integer, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("modified_ms", sa.BigInteger, nullable=False),
        sa.Column("last_sequence", sa.BigInteger, nullable=False),
    )
    op.create_index("event_subscriptions_extension", "event_subscriptions", ["extension"])

    op.create_table(
        "event_deliveries",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column(
            "subscription_id",
            sa.String(30),
            sa.ForeignKey("event_subscriptions.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("call_id", sa.String(20), nullable=False),
        sa.Column("occurred_ms", sa.BigInteger, nullable=False),
        sa.Column("give_up_ms", sa.BigInteger, nullable=False),
        sa.Column("parameters", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_ms", sa.BigInteger, nullable=False),
        sa.Column("attempted_ms", sa.BigInteger),
        sa.Column("duration_ms", sa.BigInteger),
        sa.Column("request", sa.Text),
        sa.Column("http_status", sa.Integer),
        sa.Column("error", sa.Text),
        sa.Column("finished_ms", sa.BigInteger),
    )
    op.create_index("event_deliveries_order", "event_deliveries", ["subscription_id", "sequence"])
    waiting = sa.text("state = 'waiting'")
    op.create_index(
        "event_deliveries_waiting",
        "event_deliveries",
        ["subscription_id", "sequence"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    finished = sa.text("finished_ms IS NOT NULL")
    op.create_index(
        "event_deliveries_finished",
        "event_deliveries",
        ["finished_ms"],
        sqlite_where=finished,
        postgresql_where=finished,
    )
