"""SIGHUP reloads the directory file. If the terminal has gone away, it stops the service."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING

import structlog

from bridge.config.secrets_file import SecretsFileError
from bridge.directory.problems import DirectoryError

if TYPE_CHECKING:
    from bridge.wiring.service import Service

log = structlog.get_logger()


class ReloadSignal:
    """Watches for SIGHUP from its construction on; an early signal is handled once the service
    runs."""

    def __init__(self, stack: contextlib.ExitStack, stop: asyncio.Event) -> None:
        self._stop = stop
        self._asked = asyncio.Event()
        self._terminal: int | None = None
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup sets it
            with contextlib.suppress(OSError):  # there is none
                self._terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
                stack.callback(os.close, self._terminal)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._came)

    def _came(self) -> None:
        if self._terminal is not None and _is_gone(self._terminal):
            self._stop.set()
        else:
            self._asked.set()

    async def reload_when_asked(self, service: Service) -> None:
        """Reload the directory after each SIGHUP, one reload after the other, without end."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                await service.reload()
            except (DirectoryError, SecretsFileError) as why:
                log.error("directory_not_reloaded", why=str(why))
            except Exception:
                log.exception("directory_reload_failed")


def _is_gone(terminal: int) -> bool:
    try:
        os.tcgetpgrp(terminal)
    except OSError:
        return True
    return False
