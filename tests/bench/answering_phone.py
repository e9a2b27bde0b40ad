"""A phone that answers many calls with little CPU and says at once what it sees."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from bridge.testing.softphones.ports import free_port
from bridge.testing.softphones.sipp_behaviour import SippBehaviour

_SCENARIO = Path(__file__).with_name("answering_phone.xml")
_REGISTER_LIMIT_S = 10
_START_ATTEMPTS = 3
_LISTEN_LIMIT_S = 5
_POLL_S = 0.01
_CALL_LIMIT_S = 30


class PhoneFailed(Exception):
    """SIPp ended, or its user could not be registered."""


class AnsweringPhone:
    """SIPp without a trace of messages and without audio; its log comes through a pipe.

    Calls are told apart by the caller's number, so every call needs one of its own.
    """

    def __init__(self, user: str, password: str, server: str, port: int) -> None:
        self._user = user
        self._password = password
        self._server = server
        self._port = port
        self._folder = Path(tempfile.mkdtemp(prefix="bench-phone-"))
        self._process: asyncio.subprocess.Process | None = None
        self._transport: asyncio.ReadTransport | None = None
        self._answers: dict[str, asyncio.Future[float]] = {}
        self._invites: dict[str, asyncio.Future[float]] = {}
        self.rung: Counter[str] = Counter()
        """INVITEs by the caller's number. One that is sent again for lack of an answer is one."""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Register and listen. Raises PhoneFailed."""
        pipe = self._folder / "log"
        os.mkfifo(pipe, 0o600)
        # Read and write: SIPp opening its end must not wait, and its end must not close ours.
        reader = os.fdopen(os.open(pipe, os.O_RDWR | os.O_NONBLOCK), "rb", buffering=0)
        self._transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: _LogLines(self._line), reader
        )
        for _ in range(_START_ATTEMPTS):  # somebody else may take one of its ports first
            sip_port = await self._registered_port()
            options = ("-trace_logs", "-log_file", "log", "-aa")
            self._process = await self._sipp(_SCENARIO, sip_port, *options)
            if await self._listens(self._process, sip_port):
                return
        raise PhoneFailed(f"{self._user}: SIPp does not listen")

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._transport is not None:
            self._transport.close()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def answered(self, number: str) -> float:
        """When its answer to the call of that caller was acknowledged, of time.monotonic."""
        return await self._seen(self._answers, number)

    async def invited(self, number: str) -> float:
        """When the INVITE of that caller arrived, of time.monotonic."""
        return await self._seen(self._invites, number)

    async def _seen(self, seen: dict[str, asyncio.Future[float]], number: str) -> float:
        future = seen.setdefault(number, asyncio.get_running_loop().create_future())
        async with asyncio.timeout(_CALL_LIMIT_S):
            moment = await future
        del seen[number]
        return moment

    def _line(self, line: str) -> None:
        now = time.monotonic()
        kind, _, number = line.partition(" ")
        seen = {"I": self._invites, "A": self._answers}.get(kind)
        if seen is None:
            return
        self.rung[number] += kind == "I"
        future = seen.setdefault(number, asyncio.get_running_loop().create_future())
        if not future.done():
            future.set_result(now)

    async def _registered_port(self) -> int:
        register = SippBehaviour("register").xml(
            user=self._user,
            password=self._password,
            expires_s=3600,
            contact="<sip:[service]@[local_ip]:[local_port]>",
        )
        (self._folder / "register.xml").write_text(register)
        for _ in range(_START_ATTEMPTS):
            port = free_port()
            process = await self._sipp("register.xml", port, "-m", "1")
            async with asyncio.timeout(_REGISTER_LIMIT_S):
                if await process.wait() == 0:
                    return port
        raise PhoneFailed(f"{self._user} is not registered")

    async def _listens(self, process: asyncio.subprocess.Process, sip_port: int) -> bool:
        """Whether it binds its port, instead of ending."""
        async with asyncio.timeout(_LISTEN_LIMIT_S):
            while process.returncode is None:
                if f":{sip_port:04X} " in Path("/proc/net/udp").read_text():
                    return True
                await asyncio.sleep(_POLL_S)  # the kernel tells nobody
        return False

    async def _sipp(
        self, scenario: str | Path, sip_port: int, *options: str
    ) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *("sipp", "-sf", str(scenario), "-s", self._user, f"{self._server}:{self._port}"),
            *("-i", "127.0.0.1", "-p", str(sip_port), "-mi", "127.0.0.1", "-mp", str(free_port())),
            *("-ci", "127.0.0.1", "-cp", str(free_port()), "-nostdin", *options),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=self._folder,
        )


class _LogLines(asyncio.Protocol):
    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._rest = ""

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data.decode()).split("\n")
        for line in lines:
            self._on_line(line.strip())
