"""GetMedia on a keep-alive connection, while ARI breaks off and while clients do not read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.config.settings import Settings
from bridge.http.context import SERVICES
from bridge.http.verba import api, download_places, media
from bridge.http.verba.request import VerbaRequest
from bridge.pbx.ari.audio_files import AriAudioFiles
from bridge.pbx.ari.client import AriClient
from bridge.pbx.pbx_settings import AriSettings
from bridge.recordings.audio_folder import AudioFolder
from bridge.recordings.conversation import (
    Conversation,
    ConversationParty,
    Media,
    StoredConversation,
)
from bridge.recordings.recording_pbx import AudioFiles
from bridge.testing.eventually import eventually
from bridge.wiring.http import http_settings
from tests.unit.http.raw_client import TIME_LIMIT_S, RawClient, raw_client, serving

SIZE = 40_000_000
GET_MEDIA = "/verba/api?action=GetMedia&callID=x"
PLACES = 4
STORED = web.AppKey("stored", StoredConversation)


@dataclass
class FakeAri:
    """Sends so much of a recording of SIZE bytes, then breaks off."""

    sends: int = SIZE

    async def file(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = SIZE
        await response.prepare(request)
        sent = 0
        while sent < self.sends:
            await response.write(bytes(65_536)[: SIZE - sent])
            sent += 65_536
        if self.sends < SIZE and request.transport is not None:
            request.transport.abort()
        return response

    async def endpoints(self, _: web.Request) -> web.Response:
        return web.json_response([])


@dataclass(frozen=True)
class Stage:
    port: int
    ari: AriClient
    fake: FakeAri


def application(audio: AudioFiles, size: int, settings: Mapping[str, Any]) -> web.Application:
    services: Any = SimpleNamespace(
        settings=http_settings(Settings(recording_downloads_max=PLACES, **settings)),
        nodes=SimpleNamespace(only=SimpleNamespace(recordings=SimpleNamespace(audio=audio))),
        verba_access=None,
    )
    app = web.Application()
    app[SERVICES] = services
    api.add_routes(app)
    stored = StoredConversation(
        Conversation(
            *("x", "p", "c", "l", "n", None, None, None, ""),
            ConversationParty("1"),
            ConversationParty("2"),
            2,
            0,
            ended_ms=1,
            media=(Media(1, "x-1", "wav", "ch", 0, "0x1", 1, bytes=size, length_ms=1),),
        )
    )
    app[STORED] = stored
    return app


@pytest.fixture(autouse=True)
def open_door(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody may fetch the one conversation."""

    async def find(request: VerbaRequest) -> StoredConversation:
        return request.http.app[STORED]

    async def authenticated_request(http: web.Request, action: str, parameters: Any, _: Any) -> Any:
        return VerbaRequest(http, action, parameters, None, None, None)  # type: ignore[arg-type]

    monkeypatch.setattr(media, "find_conversation", find)
    monkeypatch.setattr(api, "authenticated_request", authenticated_request)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    fake = FakeAri()
    pbx = web.Application()
    pbx.router.add_get("/ari/recordings/stored/{name}/file", fake.file)
    pbx.router.add_get("/ari/endpoints/PJSIP", fake.endpoints)
    async with TestServer(pbx, host="127.0.0.1") as server:
        url = f"http://127.0.0.1:{server.port}/ari"
        async with (
            AriClient(AriSettings(url, "u", "p", max_concurrent_requests=2)) as ari,
            serving(application(AriAudioFiles(ari), SIZE, {})) as port,
        ):
            yield Stage(port, ari, fake)


async def test_given_a_pbx_that_breaks_off_when_fetched_then_there_is_no_second_answer(
    stage: Stage,
) -> None:
    stage.fake.sends = 1_000_000
    with structlog.testing.capture_logs() as logs:
        async with raw_client(stage.port) as client:
            client.ask(GET_MEDIA)
            client.ask("/verba/api?action=GetMarkers")
            data = await client.until_closed()
    head, _, audio = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert set(audio) <= {0}
    assert [x["event"] for x in logs] == ["answer_broken_off"]


@pytest.mark.parametrize("has", [50_000, 150_000])
async def test_given_a_file_of_another_length_when_fetched_then_there_is_no_second_answer(
    tmp_path: Path, has: int
) -> None:
    (tmp_path / "x-1.wav").write_bytes(bytes(has))
    async with (
        serving(application(AudioFolder(tmp_path), 100_000, {})) as port,
        raw_client(port) as client,
    ):
        client.ask(GET_MEDIA)
        client.ask("/verba/api?action=GetMarkers")
        data = await client.until_closed()
    assert data.count(b"HTTP/1.1") == 1
    assert set(data.partition(b"\r\n\r\n")[2]) <= {0}


@pytest.mark.parametrize("shared", [False, True])
async def test_given_a_client_that_leaves_when_it_fetches_then_nobody_is_blamed(
    stage: Stage, tmp_path: Path, *, shared: bool
) -> None:
    with (tmp_path / "x-1.wav").open("wb") as file:
        file.truncate(SIZE)
    with structlog.testing.capture_logs() as logs:
        async with AsyncExitStack() as stack:
            port = stage.port
            if shared:
                app = application(AudioFolder(tmp_path), SIZE, {})
                port = await stack.enter_async_context(serving(app))
            client = await stack.enter_async_context(raw_client(port, 4096))
            client.ask(GET_MEDIA)
            await client.read_once()
            client.reset()
            await eventually(lambda: bool(logs), TIME_LIMIT_S)
    assert [(x["event"], x["log_level"]) for x in logs] == [("client_left", "info")]


async def test_given_clients_that_do_not_read_when_they_fetch_then_ari_answers_all_others(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download_places, "PLACE_WAIT_S", 0.2)
    async with AsyncExitStack() as stack:
        slow: list[RawClient] = []
        for _ in range(PLACES):
            client = await stack.enter_async_context(raw_client(stage.port, 4096))
            client.ask(GET_MEDIA)
            assert (await client.read_once()).startswith(b"HTTP/1.1 200 OK")
            slow.append(client)
        async with asyncio.timeout(TIME_LIMIT_S):
            for _ in range(10):
                assert await stage.ari.endpoints() == []
        # One client more gets an answer in a bounded time, and a place once one is free.
        async with raw_client(stage.port) as more:
            more.ask(GET_MEDIA, "Connection: close\r\n")
            assert b"try again soon" in await more.until_closed()
        slow[0].reset()
        async with raw_client(stage.port) as more:
            more.ask(GET_MEDIA, "Connection: close\r\n")
            data = await more.until_closed()
            assert len(data.partition(b"\r\n\r\n")[2]) == SIZE
