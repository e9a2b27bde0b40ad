"""Keeps the memory of an instance in line with the changes of the others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.access.token_service import TokenService
from bridge.cluster.change_reader import ChangeReader
from bridge.cluster.hints import Hints
from bridge.cluster.shared_clock import READ_EVERY_S, SharedClock, database_moment_ms
from bridge.cluster.shared_directory import SharedDirectory
from bridge.config.secrets_file import SecretsFileError
from bridge.config.settings import Settings
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory, DirectoryContent
from bridge.directory.problems import DirectoryError
from bridge.faults import StorageUnavailable
from bridge.phone_call_events.service import PhoneCallEvents
from bridge.storage.shared_changes import (
    APP_SECRET,
    CHANNEL,
    DIRECTORY,
    ENDED_TOKEN,
    SECRETS,
    SUBSCRIPTION,
    SharedNotes,
)
from bridge.supervision.conditions import Condition
from bridge.supervision.intervals import every
from bridge.supervision.tasks import must_live
from bridge.wiring.pbx import has_several_edges
from bridge.wiring.shared_secrets import shared_secrets

log = structlog.get_logger()

_AGAIN_S = 1.0


class SharedMemory:
    """`reader` hears what others change, `notes` tells them what this instance changes.

    `clock` is that of all instances.
    """

    def __init__(self, engine: AsyncEngine, hints: Hints | None) -> None:
        self.reader = ChangeReader(engine, hints)
        self.clock = SharedClock(partial(database_moment_ms, engine))
        self.notes = SharedNotes(lambda: None if hints is None else hints.notify(CHANNEL, ""))
        self._stale = asyncio.Event()

    async def start(self, stack: AsyncExitStack) -> None:
        """Before anything is loaded that others may change. Raises StorageUnavailable."""
        await self.clock.set()
        setting = must_live(
            every(READ_EVERY_S, "shared_clock", self.clock.set_again), "shared_clock"
        )
        stack.push_async_callback(setting.stop)
        await self.reader.start()
        stack.push_async_callback(self.reader.stop)

    def keep_up(
        self,
        stack: AsyncExitStack,
        tokens: TokenService,
        events: PhoneCallEvents,
        reload: Callable[[], Awaitable[None]],
    ) -> None:
        """From now on. `reload` reads the secrets and the directory again."""
        self.reader.hear(ENDED_TOKEN, tokens.ended_elsewhere)
        self.reader.hear(SUBSCRIPTION, events.shared_subscriptions.hear)
        self.reader.hear(APP_SECRET, events.call_receivers.hear_secrets)
        self.reader.hear(SECRETS, self._note_stale)
        self.reader.hear(DIRECTORY, self._note_stale)
        # Apart, because it may take seconds, and nothing else would be heard meanwhile.
        reloading = must_live(self._reload_when_stale(reload), "shared_reload")
        stack.push_async_callback(reloading.stop)

    async def _note_stale(self, _keys: frozenset[str] | None) -> None:
        self._stale.set()

    async def _reload_when_stale(self, reload: Callable[[], Awaitable[None]]) -> None:
        put_off = Condition("shared_reload_put_off", "shared_reload_made_up", level=logging.WARNING)
        while True:
            await self._stale.wait()
            self._stale.clear()
            try:
                await reload()
            except DirectoryError as why:  # the old one stays, until another is pushed
                log.error("directory_not_reloaded", why=str(why))
            except (StorageUnavailable, SecretsFileError) as why:
                put_off.begin(str(why))
                self._stale.set()
                await asyncio.sleep(_AGAIN_S)
            except Exception:
                log.exception("directory_reload_failed")
            else:
                put_off.end()


def open_shared_directory(settings: Settings, now_ms: Callable[[], int]) -> CurrentDirectory:
    """The directory that was pushed last, or that of the file; the secrets are the shared ones.

    It waits for the database. Raises StorageUnavailable, DirectoryError, SecretsFileError.
    """
    shared = SharedDirectory(settings.resolved_database_url)

    def newest() -> DirectoryContent | None:
        found = shared.newest()
        if found is None:
            return None
        return DirectoryContent(f"pushed directory {found.version}", found.content)

    path = settings.directory_file or EXAMPLE_FILE
    return CurrentDirectory(
        path,
        shared_secrets(settings),
        newest,
        now_ms,
        several_edges=has_several_edges(settings),
    )
