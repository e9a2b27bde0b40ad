"""The start while the database is slow: the service listens on the port of who waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop
from aiohttp import web

from bridge.config.settings import Settings
from bridge.http.server import close_http, start_http
from bridge.testing.eventually import eventually
from bridge.testing.lab.free_port import free_http_port
from bridge.wiring.database_wait import DatabaseWait
from bridge.wiring.http import server_settings


async def test_given_a_slow_start_that_is_about_to_listen_then_the_wait_takes_its_port_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent_s = 0.05
    monkeypatch.setattr("bridge.wiring.database_wait._SILENT_S", silent_s)
    settings = Settings.model_validate({"state_dir": tmp_path, "http_port": free_http_port()})
    wait = DatabaseWait(settings)
    listening: list[web.AppRunner] = []

    async def start() -> None:
        await wait.make_way()
        await asyncio.sleep(3 * silent_s)  # the time of the silence ends meanwhile
        listening.append(await start_http(web.Application(), server_settings(settings)))

    async def undo() -> None:
        pytest.fail("the start did not fail")

    await wait.started(start, undo)

    [runner] = listening
    await close_http(runner)


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_given_a_slow_start_when_the_service_takes_the_port_over_then_no_client_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    monkeypatch.setattr("bridge.wiring.database_wait._SILENT_S", 0.05)
    settings = Settings.model_validate({"state_dir": tmp_path, "http_port": free_http_port()})

    async def status(connection: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> int:
        reader, writer = connection
        writer.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(30):
            answer = await reader.read()
        writer.close()
        return int(answer.split()[1])

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", settings.http_port)

    async def alive() -> bool:
        try:
            return await status(await connect()) == 200
        except ConnectionRefusedError:
            return False

    async def taken_over() -> int:
        wait, taken = DatabaseWait(settings), []

        async def start() -> None:
            await eventually(alive)  # who waits for the database answers
            kept = await wait.make_way()
            early = await connect()
            later = await start_http(web.Application(), server_settings(settings), kept=kept)
            taken.append(await status(early))
            await close_http(later)
            assert not await alive()
            for same in kept:
                same.close()

        async def undo() -> None:
            pytest.fail("the start did not fail")

        await wait.started(start, undo)
        return int(taken[0])

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(taken_over()) == 404
