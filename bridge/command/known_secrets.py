"""The generated secrets that a command finds: in the state folder, or shared by instances."""

from __future__ import annotations

from bridge.config.secrets_file import (
    KeptSecrets,
    SecretsFileError,
    ThrowawaySecrets,
    secrets_of_file,
)
from bridge.config.settings import Settings
from bridge.config.state_folder import SECRETS_FILE


def known_secrets(settings: Settings) -> ThrowawaySecrets | None:
    """They leave no trace where one is missing. None if none was ever generated here.

    Raises SecretsFileError.
    """
    if settings.instance_name:
        shared = secrets_of_instances(settings)
        return ThrowawaySecrets(shared.get_or_create_all(shared.names()))
    file = settings.state_dir / SECRETS_FILE
    return ThrowawaySecrets(secrets_of_file(file)) if file.exists() else None


def secrets_of_instances(settings: Settings) -> KeptSecrets:
    """Waits for the database. Raises SecretsFileError."""
    from bridge.faults import StorageUnavailable
    from bridge.wiring.shared_secrets import shared_secrets

    try:
        return shared_secrets(settings)
    except StorageUnavailable as why:
        raise SecretsFileError(f"cannot read the secrets of the instances: {why}") from None
