"""Making the token service out of the settings."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.access.token_look_up import TokenLookUp
from bridge.access.token_service import TokenService
from bridge.access.token_store import TokenStore
from bridge.config.settings import Settings
from bridge.directory.loader import CurrentDirectory
from bridge.storage.row_writer import RowWriter
from bridge.storage.shared_changes import Notes


def token_service(
    settings: Settings,
    engine: AsyncEngine,
    queue: RowWriter,
    directory: CurrentDirectory,
    notes: Notes,
    now_ms: Callable[[], int],
) -> TokenService:
    """Not started yet. `now_ms`: the clock of all instances."""
    store, several = TokenStore(engine, queue, notes), bool(settings.instance_name)
    return TokenService(
        store,
        lambda client_id: directory.directory.apps.get(client_id),
        lambda client_id: directory.directory.clients.get(client_id),
        lifetime_s=settings.token_lifetime_s,
        now_ms=now_ms,
        look_up=TokenLookUp(store.find) if several else None,
        directory_since_ms=(lambda: directory.since_ms) if several else None,
    )
