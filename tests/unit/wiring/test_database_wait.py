"""The start while the database is slow: the service listens on the port of who waits for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from bridge.config.settings import Settings
from bridge.http.server import close_http, start_http
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
