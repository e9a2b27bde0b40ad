"""Subscriptions to several types, JSON bodies, and what an event says beyond its parameters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "event_subscriptions", sa.Column("types", sa.Text, nullable=False, server_default="")
    )
    op.execute("UPDATE event_subscriptions SET types = CAST(type AS TEXT)")
    op.drop_column("event_subscriptions", "type")
    op.add_column(
        "event_subscriptions", sa.Column("format", sa.Text, nullable=False, server_default="form")
    )
    op.add_column(
        "event_subscriptions",
        sa.Column("old_secrets", sa.Text, nullable=False, server_default="[]"),
    )
    op.add_column("event_deliveries", sa.Column("details", sa.Text))
    op.add_column("event_deliveries", sa.Column("extension_sequence", sa.BigInteger))
