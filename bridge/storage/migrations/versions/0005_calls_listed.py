"""Ended calls are counted, ordered and filtered without reading their documents."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("calls_listed", "calls", ["id", "ended_ms", "published_ms"])
