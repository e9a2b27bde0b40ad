"""Connections are bounded, in all and for each address, and a flood of them is one log line."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from bridge.testing.eventually import eventually
from bridge.testing.softphones.ports import free_port
from tests.lab.process_cpu import cpu_s

from .unlinked_service import unlinked_service

_TIME_LIMIT_S = 30.0
_START_LIMIT_S = 120.0
"""On a machine that has ten times as much to do."""
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Running:
    pid: int
    port: int
    log_file: Path

    def log(self, event: str) -> list[dict[str, object]]:
        lines = [json.loads(x) for x in self.log_file.read_text().splitlines() if x[:1] == "{"]
        return [x for x in lines if x["event"] == event]

    async def logged(self, event: str) -> list[dict[str, object]]:
        """Those lines, once there is one."""
        await eventually(lambda: bool(self.log(event)), _TIME_LIMIT_S)
        return self.log(event)

    async def has_started(self) -> bool:
        """It has its database: before that, another server may answer on its port."""
        url = f"http://127.0.0.1:{self.port}/health/ready"
        with contextlib.suppress(aiohttp.ClientError):
            async with aiohttp.ClientSession() as client, client.get(url) as answer:
                return bool((await answer.json())["storage"]["up"])
        return False

    async def connect(self, stack: AsyncExitStack, address: str) -> Connection:
        connection = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(address, 0))
        stack.callback(connection[1].close)
        return connection

    async def status(self, connection: Connection) -> int:
        """Of /health/live over that connection; 0 where it was closed without an answer."""
        reader, writer = connection
        try:
            writer.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            async with asyncio.timeout(_TIME_LIMIT_S):
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(head.lower().partition("content-length: ")[2].split()[0])
                json.loads(await reader.readexactly(length))
        except (ConnectionError, asyncio.IncompleteReadError):
            return 0
        return int(head.split()[1])

    async def statuses(self, stack: AsyncExitStack, address: str, number: int) -> list[int]:
        """Of so many new connections from that address, which stay open."""
        return [await self.status(await self.connect(stack, address)) for _ in range(number)]


@asynccontextmanager
async def running(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: Mapping[str, str] | None = None,
    *before: str,
) -> AsyncIterator[Running]:
    for name, value in (settings or {}).items():
        monkeypatch.setenv(f"BRIDGE_{name.upper()}", value)
    log_file, port = folder / "log", free_port()
    with log_file.open("wb") as log:
        async with unlinked_service(folder / "state", port, log.fileno(), *before) as process:
            service = Running(process.pid, port, log_file)

            def why() -> str:
                return f"exit status {process.returncode}\n{log_file.read_text()[-3000:]}"

            await eventually(service.has_started, _START_LIMIT_S, why=why)
            try:
                yield service
            except BaseException as fault:
                fault.add_note(why())
                raise


LIMITS = {"http_connections_max": "20", "http_connections_per_address_max": "8"}


async def test_given_as_many_connections_as_an_address_may_have_then_others_still_get_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, monkeypatch, LIMITS) as service, AsyncExitStack() as stack:
        assert await service.statuses(stack, "127.0.0.11", 8) == [200] * 8
        refused = await service.statuses(stack, "127.0.0.11", 4)
        assert set(refused) <= {503, 0}
        assert await service.statuses(stack, "127.0.0.12", 8) == [200] * 8
        [line] = await service.logged("http_connections_refused")
        assert (line["remote"], line["limit"], line["limit_per_address"]) == ("127.0.0.11", 20, 8)

        assert await service.statuses(stack, "127.0.0.13", 4) == [200] * 4
        assert set(await service.statuses(stack, "127.0.0.14", 3)) <= {503, 0}  # 20 are open


async def test_given_connections_that_were_closed_then_their_places_are_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, monkeypatch, LIMITS) as service:

        async def all_served() -> bool:
            async with AsyncExitStack() as stack:
                return await service.statuses(stack, "127.0.0.11", 8) == [200] * 8

        for _ in range(5):  # 40 connections, of which never more than 8 at a time are left open
            await eventually(all_served, _TIME_LIMIT_S)


async def test_given_a_flood_of_connections_then_the_log_has_one_line_and_others_are_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, monkeypatch, LIMITS) as service, AsyncExitStack() as stack:
        await service.statuses(stack, "127.0.0.11", 8)
        for _ in range(20):
            async with AsyncExitStack() as flood:
                await asyncio.gather(*(service.connect(flood, "127.0.0.11") for _ in range(50)))
        assert await service.statuses(stack, "127.0.0.12", 1) == [200]
        assert len(await service.logged("http_connections_refused")) <= 2
        assert service.log_file.stat().st_size < 20_000


async def test_given_no_descriptors_left_when_clients_connect_then_one_line_and_it_recovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"event_loop": "asyncio"}  # uvloop closes what it cannot accept, and tells nobody
    async with running(tmp_path, monkeypatch, settings) as service, AsyncExitStack() as stack:
        old = await service.connect(stack, "127.0.0.11")
        assert await service.status(old) == 200
        used = len(list(Path(f"/proc/{service.pid}/fd").iterdir()))
        _, hard = resource.prlimit(service.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(service.pid, resource.RLIMIT_NOFILE, (used + 3, hard))
        async with AsyncExitStack() as flood:
            for _ in range(60):  # what is not accepted waits in the kernel
                await service.connect(flood, "127.0.0.11")
            before = cpu_s(service.pid)
            [line] = await service.logged("http_accept_failed")
            assert line["level"] == "error"
            await asyncio.sleep(4)  # a try a second: three of them
            assert cpu_s(service.pid) - before < 1.0
            assert await service.status(old) == 200
            assert len(service.log("http_accept_failed")) == 1
            assert service.log_file.stat().st_size < 20_000
        resource.prlimit(service.pid, resource.RLIMIT_NOFILE, (hard, hard))
        assert await service.statuses(stack, "127.0.0.12", 5) == [200] * 5


async def test_given_a_low_soft_limit_when_started_then_it_is_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, monkeypatch, {}, "prlimit", "--nofile=300:4000") as service:
        assert resource.prlimit(service.pid, resource.RLIMIT_NOFILE) == (4000, 4000)
        assert service.log("file_descriptors_too_few") == []


async def test_given_too_low_a_hard_limit_when_started_then_a_warning_says_how_many_are_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"http_connections_max": "1000"}
    async with running(tmp_path, monkeypatch, settings, "prlimit", "--nofile=900:900") as service:
        [line] = service.log("file_descriptors_too_few")
        assert (line["limit"], line["needed"], line["level"]) == (900, 1400, "warning")
        assert line["http_connections_max"] == 500  # what is left beside phones and receivers
