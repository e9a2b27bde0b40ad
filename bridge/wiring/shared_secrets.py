"""Wiring of the secrets that several instances share. One instance alone loads nothing of it."""

from __future__ import annotations

import asyncio

from bridge.cluster.shared_secrets import SharedSecrets
from bridge.config.secrets_file import secrets_of_file
from bridge.config.settings import Settings
from bridge.config.state_folder import SECRETS_FILE
from bridge.storage.engine import open_engine
from bridge.storage.migrate import migrate


def shared_secrets(settings: Settings) -> SharedSecrets:
    """Waits for the database, whose tables must be there. Those of the state folder are shared.

    Raises StorageUnavailable, SecretsFileError where the cluster secret is another one.
    """
    return SharedSecrets.open(
        settings.resolved_database_url,
        settings.cluster_secret.get_secret_value(),
        secrets_of_file(settings.state_dir / SECRETS_FILE),
    )


async def migrated_shared_secrets(settings: Settings) -> SharedSecrets:
    """As `shared_secrets`, and makes the tables. Raises StorageUnusable and DatabaseTooNew, too."""
    engine = open_engine(settings.resolved_database_url)
    try:
        await migrate(engine)
    finally:
        await engine.dispose()
    return await asyncio.to_thread(shared_secrets, settings)
