"""SIGHUP: read the directory again; but of a terminal that was closed: end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING

import structlog

from bridge.directory.problems import DirectoryError
from bridge.secrets_file import SecretsFileError

if TYPE_CHECKING:
    from bridge.app import Service

log = structlog.get_logger()


class HangUpSignal:
    """Watches for SIGHUP from the moment it is made; what is asked early is done once it can be."""

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
        """Read the directory again each time somebody asks, one time after the other, for ever."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                await service.reload()
            except (DirectoryError, SecretsFileError) as why:
                log.error("directory not reloaded; the old one stays in force", why=str(why))
            except Exception:
                log.exception("directory not reloaded")


def _is_gone(terminal: int) -> bool:
    try:
        os.tcgetpgrp(terminal)
    except OSError:
        return True
    return False
