"""The process of an instance, so that two of one name notice each other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "instances", sa.Column("process", sa.Text, nullable=False, server_default=sa.text("''"))
    )
