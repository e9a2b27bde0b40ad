"""Run by alembic: applies the migrations on the connection that `migrate` hands over.

Leaves the logging configuration alone and neither begins nor ends a transaction.
"""

from __future__ import annotations

from alembic import context

from bridge.storage import indexes  # noqa: F401 - adds them, and with them every table
from bridge.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
