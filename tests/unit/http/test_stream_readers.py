"""Readers of the stream that do not read: each is dropped, and costs no more than a moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
import structlog

from bridge.calls.live import call_feed
from bridge.http.uapi.stream import open_stream
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.server_sent_events import read_events

from .raw_client import TIME_LIMIT_S, RawClient, raw_client
from .whole_service import WholeService, whole_service

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCRAPER = "a token of the monitoring"
OF_CALLS = "/uapi/phoneCalls/@me/@self/stream"
OF_PRESENCE = "/uapi/extensions/@me/@self/presence/stream"
MORE_THAN_BUFFERS_TAKE = b": \n" * 10_000_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeService]:
    async with whole_service(tmp_path_factory.mktemp("readers"), metrics_token=SCRAPER) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(running: WholeService) -> AsyncIterator[ApiClient]:
    async with running.client() as api:
        await api.authenticate()
        yield api


@asynccontextmanager
async def reader_of_stream(
    running: WholeService, api: ApiClient, path: str = OF_CALLS
) -> AsyncIterator[RawClient]:
    async with raw_client(running.service.settings.http_port, 4096) as reader:
        reader.ask(path, f"Authorization: Bearer {api.token}\r\n")
        yield reader


def dropped(logs: list[Any]) -> list[str]:
    return [x["app"] for x in logs if x["event"] == "stream_reader_dropped"]


async def open_streams(api: ApiClient) -> int:
    headers = {"Authorization": f"Bearer {SCRAPER}"}
    async with api.http.get(f"{api.base_url}/metrics", headers=headers) as answer:
        lines = (await answer.text()).splitlines()
    [value] = [x.split()[1] for x in lines if x.startswith("uapi_call_streams ")]
    return int(float(value))


@pytest.mark.parametrize("path", [OF_CALLS, OF_PRESENCE])
async def test_given_a_reader_that_takes_nothing_when_more_is_written_then_it_is_dropped(
    running: WholeService, api: ApiClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(open_stream, "OPENING", MORE_THAN_BUFFERS_TAKE)
    monkeypatch.setattr(open_stream, "_WRITE_LIMIT_S", 0.2)
    with structlog.testing.capture_logs() as logs:
        async with reader_of_stream(running, api, path):
            await eventually(lambda: dropped(logs), TIME_LIMIT_S)
    assert dropped(logs) == ["user-12"]
    assert [x for x in logs if x["log_level"] in ("warning", "error")] == []
    assert await open_streams(api) == 0


async def test_given_a_reader_that_is_too_far_behind_when_a_call_changes_then_it_is_dropped(
    running: WholeService, api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with structlog.testing.capture_logs() as logs:
        async with reader_of_stream(running, api) as reader:
            assert b" 200 OK" in await reader.read_once()
            monkeypatch.setattr(call_feed, "WAITING_MAX", 0)
            await api.place("210", "211")
            await running.refuse_last()
            assert not (await reader.until_closed()).endswith(b"0\r\n\r\n")  # broken off
    assert dropped(logs) == ["user-12"]
    assert await open_streams(api) == 0


@pytest.mark.parametrize("path", [OF_CALLS, OF_PRESENCE])
async def test_given_a_reader_that_leaves_when_nothing_happens_then_its_place_is_free_soon(
    running: WholeService, api: ApiClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(open_stream, "HEARTBEAT_S", 10 * TIME_LIMIT_S)
    async with reader_of_stream(running, api, path) as reader:
        assert b" 200 OK" in await reader.read_once()
        assert await open_streams(api) == 1

    async def free() -> bool:
        return await open_streams(api) == 0

    await eventually(free, TIME_LIMIT_S)


async def test_given_a_link_that_is_lost_when_it_comes_back_then_the_stream_of_presence_says_so(
    running: WholeService, api: ApiClient
) -> None:
    async with read_events(api, OF_PRESENCE.replace("@self", "210")) as stream:
        assert (await stream.next()).data["entry"][0]["status"] == "1"
        await running.ami.stop()
        assert (await stream.next()).data == {"extension": "210", "status": "0"}
        await running.ami.start()
        assert (await stream.next(TIME_LIMIT_S)).data["status"] == "1"
