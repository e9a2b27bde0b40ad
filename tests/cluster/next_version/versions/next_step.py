"""What an instance of the version before does not miss: a column that may be empty, an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.storage.migrations import HEAD

revision = "next"
down_revision = HEAD
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("calls", sa.Column("of_next_version", sa.Text))
    op.add_column("event_deliveries", sa.Column("of_next_version", sa.Text))
    op.create_index("calls_of_next_version", "calls", ["of_next_version"])
    op.create_table("of_next_version", sa.Column("id", sa.Text, primary_key=True))
