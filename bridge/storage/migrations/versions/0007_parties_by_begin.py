"""The calls of an extension are found in the order of their beginning, from any of them on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_COPY = (
    "INSERT INTO call_parties_new (extension, published_ms, call_id)"
    " SELECT p.extension, c.published_ms, p.call_id FROM call_parties AS p"
    " JOIN calls AS c ON c.id = p.call_id"
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _rebuild()
        return
    op.add_column("call_parties", sa.Column("published_ms", sa.BigInteger))
    op.execute(
        "UPDATE call_parties SET published_ms = calls.published_ms FROM calls"
        " WHERE calls.id = call_parties.call_id"
    )
    op.drop_constraint("call_parties_pkey", "call_parties", type_="primary")
    op.create_primary_key(
        "call_parties_pkey", "call_parties", ["extension", "published_ms", "call_id"]
    )


def _rebuild() -> None:
    """SQLite changes no primary key of a table that exists."""
    op.create_table(
        "call_parties_new",
        sa.Column("extension", sa.Text, primary_key=True),
        sa.Column("published_ms", sa.BigInteger, primary_key=True),
        sa.Column(
            "call_id",
            sa.String(20),
            sa.ForeignKey("calls.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sqlite_with_rowid=False,
    )
    op.execute(_COPY)
    op.drop_table("call_parties")
    op.rename_table("call_parties_new", "call_parties")
    op.create_index("call_parties_call", "call_parties", ["call_id"])
