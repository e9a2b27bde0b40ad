"""Subscriptions to several types, JSON bodies, what an event says beyond its parameters, and
receivers of single calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
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
    op.add_column("event_subscriptions", sa.Column("call_id", sa.String(20)))
    op.create_index(
        "event_subscriptions_of_calls",
        "event_subscriptions",
        ["modified_ms"],
        sqlite_where=sa.text("call_id IS NOT NULL"),
        postgresql_where=sa.text("call_id IS NOT NULL"),
    )
    op.create_table(
        "event_app_secrets",
        sa.Column("client_id", sa.Text, primary_key=True),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("old_secrets", sa.Text, nullable=False),
    )
