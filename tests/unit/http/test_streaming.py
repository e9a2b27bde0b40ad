"""An answer that has begun is finished, or its connection is broken off; nothing follows it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import structlog
from aiohttp import web

from bridge.http import streaming
from bridge.http.streaming import begin_answer, send_pieces
from bridge.testing.eventually import eventually

from .raw_client import TIME_LIMIT_S, raw_client, serving

PIECE = bytes(60_000)
Pieces = Callable[[], AsyncIterator[bytes]]


def app_of(pieces: Pieces, length: int, min_bytes_per_s: int = 1) -> web.Application:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await send_pieces(
            request, web.StreamResponse(), pieces(), length, min_bytes_per_s=min_bytes_per_s
        )

    app = web.Application()
    app.router.add_get("/audio", handle)
    return app


async def whole() -> AsyncIterator[bytes]:
    for _ in range(3):
        yield PIECE


async def breaking() -> AsyncIterator[bytes]:
    yield PIECE
    yield PIECE
    raise RuntimeError("the PBX broke off")


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield PIECE
        await asyncio.sleep(0)  # the writer runs between two pieces


async def test_a_whole_answer_leaves_the_connection_for_the_next() -> None:
    async with serving(app_of(whole, 180_000)) as port, raw_client(port) as client:
        for _ in range(2):
            client.ask("/audio")
            async with asyncio.timeout(TIME_LIMIT_S):
                head = await client.reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200 OK\r\n")
                assert b"Content-Length: 180000" in head
                assert await client.reader.readexactly(180_000) == bytes(180_000)


@pytest.mark.parametrize(
    ("pieces", "length", "why"),
    [
        (breaking, 180_000, "the PBX broke off"),
        (whole, 200_000, "another length"),
        (whole, 170_000, "another length"),
        (whole, 120_000, "another length"),
    ],
)
async def test_a_fault_in_the_middle_closes_without_a_second_answer(
    pieces: Pieces, length: int, why: str
) -> None:
    with structlog.testing.capture_logs() as logs:
        async with serving(app_of(pieces, length)) as port, raw_client(port) as client:
            client.ask("/audio")
            client.ask("/audio")  # the next request must not be answered into the first
            data = await client.until_closed()
    assert data.count(b"HTTP/1.1") == 1
    assert len(data.partition(b"\r\n\r\n")[2]) <= length
    [line] = [x for x in logs if x["event"] == "answer_broken_off"]
    assert why in line["why"]
    assert [x for x in logs if x["log_level"] == "error"] == []


async def test_a_fault_of_the_first_piece_is_an_answer_of_its_own() -> None:
    async def failing() -> AsyncIterator[bytes]:
        raise RuntimeError("not there")
        yield b""

    async with serving(app_of(failing, 10)) as port, raw_client(port) as client:
        client.ask("/audio", "Connection: close\r\n")
        data = await client.until_closed()
    assert data.startswith(b"HTTP/1.1 500 ")
    assert data.count(b"HTTP/1.1") == 1


async def test_a_client_that_leaves_is_no_fault_of_ours() -> None:
    with structlog.testing.capture_logs() as logs:
        async with serving(app_of(endless, 1 << 40)) as port, raw_client(port) as client:
            client.ask("/audio")
            await client.read_once()
            client.reset()
            await eventually(lambda: any(x["event"] == "client_left" for x in logs), TIME_LIMIT_S)
    assert {x["log_level"] for x in logs} == {"info"}


async def test_a_client_that_does_not_read_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "WRITE_SLACK_S", 0.2)
    with structlog.testing.capture_logs() as logs:
        app = app_of(endless, 1 << 40, min_bytes_per_s=1_000_000)
        async with serving(app) as port, raw_client(port, 4096) as client:
            client.ask("/audio")
            await eventually(
                lambda: any(x["event"] == "answer_broken_off" for x in logs), TIME_LIMIT_S
            )
    [line] = [x for x in logs if x["event"] == "answer_broken_off"]
    assert line["why"] == "it is read slower than 1000000 bytes/s"


async def test_a_handler_that_fails_after_the_head_closes_without_a_second_answer() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await begin_answer(request, response)
        await response.write(b"abc")
        raise RuntimeError("a defect")

    app = web.Application()
    app.router.add_get("/audio", handle)
    with structlog.testing.capture_logs() as logs:
        async with serving(app) as port, raw_client(port) as client:
            client.ask("/audio")
            client.ask("/audio")
            data = await client.until_closed()
    assert data.count(b"HTTP/1.1") == 1
    assert [x["event"] for x in logs if x["log_level"] == "error"] == ["request_failed"]
