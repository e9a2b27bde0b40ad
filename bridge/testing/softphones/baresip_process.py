"""One baresip process with its folder, its SIP trace and its remote control."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .baresip_config import BaresipConfig
from .baresip_control import BaresipControl
from .baresip_trace import BaresipTrace
from .phone_observer import PhoneError
from .ports import free_port
from .sip_message import SipMessage

_START_ATTEMPTS = 3
_LISTEN_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 15.0
_READY = "baresip is ready."
_NO_CONTROL = "ctrl_tcp: failed to listen"


class BaresipProcess:
    """Starts one baresip on free ports, reads its trace, and ends it."""

    def __init__(
        self,
        config: BaresipConfig,
        *,
        on_message: Callable[[SipMessage], object],
        on_event: Callable[[dict[str, Any]], None],
    ) -> None:
        self.control = BaresipControl(on_event)
        self._config = config
        self._on_message = on_message
        self._trace = self._new_trace()
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self.folder: Path | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self, module_folder: Path) -> None:
        """Returns when it can be controlled. Raises PhoneError if it cannot be."""
        for attempt in range(1, _START_ATTEMPTS + 1):
            try:
                if await self._launch(module_folder):
                    return
            except BaseException:
                await self.kill()
                raise
            failed = self.with_log("baresip ended at its start")
            await self.kill()
            if attempt == _START_ATTEMPTS:
                raise PhoneError(failed)

    async def _launch(self, module_folder: Path) -> bool:
        """False if one of its ports was taken, or it ended at once, as it may do then."""
        self.folder = Path(tempfile.mkdtemp(prefix="softphone-"))
        self._trace = self._new_trace()
        control_port = free_port()
        self._config.write(
            self.folder,
            sip_port=free_port(),
            control_port=control_port,
            module_folder=module_folder,
        )
        self._process = await asyncio.create_subprocess_exec(
            # Its output is the SIP trace: without a line buffer it would arrive late.
            *("stdbuf", "-oL", "baresip", "-4", "-s", "-f", str(self.folder)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self.folder,
            env={**os.environ, "HOME": str(self.folder)},
        )
        self._reading = asyncio.create_task(self._read(self._process))
        deadline = time.monotonic() + _LISTEN_TIMEOUT_S
        while self.running:
            if _READY in self._trace.log_lines:
                # It runs without a remote control too: whoever took its port would be connected.
                if any(line.startswith(_NO_CONTROL) for line in self._trace.log_lines):
                    return False
                await self.control.connect(control_port)
                return True
            if time.monotonic() > deadline:
                raise PhoneError(self.with_log("baresip does not get ready"))
            await asyncio.sleep(0.02)  # its output is read by another task
        return False

    def _new_trace(self) -> BaresipTrace:
        return BaresipTrace(f"{self._config.server}:{self._config.server_port}")

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while data := await process.stdout.read(65536):
            for message in self._trace.feed(data):
                self._on_message(message)

    async def stop(self) -> None:
        """Ask it to end, which unregisters it, and remove its folder."""
        if self._process is not None and self.running:
            self._process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), _STOP_TIMEOUT_S)
        await self.kill()

    async def kill(self) -> None:
        """End it without a word to the server, as a power cut does."""
        await self.control.close()
        if self._process is not None and self.running:
            self._process.kill()
            await self._process.wait()
        if self._reading is not None:
            # It ends by itself with the process; what was printed last is still read.
            await asyncio.wait([self._reading], timeout=1.0)
            self._reading.cancel()
        if self.folder is not None:
            await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)
            self.folder = None

    def with_log(self, text: str) -> str:
        return "\n  ".join([text, *self._trace.log_lines[-15:]])
