"""One run of SIPp with its folder and its message log."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from .phone_observer import PhoneError
from .ports import LOOPBACK, address_towards, free_port
from .sip_message import SipMessage
from .sipp_message_log import SippMessageLog

_POLL_S = 0.01
_START_TIMEOUT_S = 20.0


class SippProcess:
    """Starts one SIPp, hands on the messages of its log, and ends it."""

    def __init__(
        self,
        scenario_xml: str,
        *,
        service: str,
        server: str,
        server_port: int,
        sip_port: int,
        on_message: Callable[[SipMessage], object],
        options: tuple[str, ...] = (),
    ) -> None:
        """service: the user in the Contact of a called phone, the number a calling one dials.

        options: further options of SIPp, for example ("-m", "1").
        """
        self._scenario_xml = scenario_xml
        self._target = f"{server}:{server_port}"
        self._own_address = _in_uri(address_towards(server))
        self._service = service
        self._sip_port = sip_port
        self._on_message = on_message
        self._options = options
        self._process: asyncio.subprocess.Process | None = None
        self._folder: Path | None = None
        self._tailing: asyncio.Task[None] | None = None
        self._trace: BinaryIO | None = None
        self._trace_log = SippMessageLog()
        self.errors = ""
        """SIPp's error log, filled when it has ended."""

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="sipp-"))
        (self._folder / "scenario.xml").write_text(self._scenario_xml)
        media_port = free_port()
        self._process = await asyncio.create_subprocess_exec(
            *("sipp", "-sf", "scenario.xml", "-s", self._service, self._target),
            *("-i", self._own_address, "-p", str(self._sip_port)),
            *("-mi", self._own_address, "-mp", str(media_port), "-rtp_echo"),
            *("-ci", LOOPBACK, "-cp", str(free_port())),
            *("-trace_msg", "-message_file", "messages.log"),
            *("-trace_err", "-error_file", "errors.log"),
            # -aa: The scenarios do not contain OPTIONS and INFO of the PBX.
            *("-aa", "-nostdin", *self._options),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=self._folder,
        )
        self._tailing = asyncio.create_task(self._tail(self._folder / "messages.log"))

    async def wait_listening(self) -> None:
        """Raises PhoneError if SIPp ends or does not bind its SIP port."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not _udp_bound(self._sip_port):
            if not self.running or time.monotonic() > deadline:
                raise PhoneError(f"SIPp does not listen\n{self._error_log()}")
            await asyncio.sleep(_POLL_S)  # SIPp tells nobody

    async def wait(self, timeout_s: float) -> bool:
        """Wait until it ends by itself; True if all its calls went as the scenario says.

        Raises PhoneError when the time has passed; SIPp goes on.
        """
        assert self._process is not None
        try:
            code = await asyncio.wait_for(self._process.wait(), timeout_s)
        except TimeoutError:
            raise PhoneError(f"SIPp has not ended within {timeout_s:g} s") from None
        await self.stop()
        return code == 0

    async def stop(self) -> None:
        """End it at once; calls it is in are left as they are."""
        if self._process is not None and self.running:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._tailing is not None:
            await asyncio.wait([self._tailing], timeout=1.0)
            self._tailing.cancel()
        if self._folder is not None:
            self.errors = self._error_log()
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
            self._folder = None

    def read_trace(self) -> bool:
        """Hand on the messages that SIPp has written down by now; whether there were any."""
        if self._trace is None:
            return False
        data = self._trace.read(1 << 20)
        for message in self._trace_log.feed(data):
            self._on_message(message)
        return bool(data)

    async def _tail(self, path: Path) -> None:
        while not path.exists():  # SIPp makes it at its start
            if not self.running:
                return
            await asyncio.sleep(_POLL_S)  # SIPp tells nobody
        with path.open("rb") as self._trace:
            try:
                while True:
                    ended = not self.running  # asked first, so that the last lines are read
                    some = self.read_trace()
                    if ended and not some:
                        return
                    await asyncio.sleep(0 if some else _POLL_S)  # SIPp tells nobody
            finally:
                self._trace = None

    def _error_log(self) -> str:
        path = (self._folder or Path()) / "errors.log"
        return path.read_text(errors="replace") if path.exists() else self.errors


def _in_uri(address: str) -> str:
    """IPv6 in brackets."""
    return f"[{address}]" if ":" in address else address


def _udp_bound(port: int) -> bool:
    """True if some process has the UDP port; read from the kernel, so nothing is sent to it."""
    wanted = f":{port:04X}"
    for table in ("udp", "udp6"):
        lines = Path("/proc/net", table).read_text().splitlines()[1:]
        if any(line.split()[1].endswith(wanted) for line in lines):
            return True
    return False
