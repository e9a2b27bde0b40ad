"""Several instances: for how long the oldest write of each waits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "instances", sa.Column("write_lag_ms", sa.BigInteger, nullable=False, server_default="0")
    )
