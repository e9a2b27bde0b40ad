"""What every answer has: the request's id, CORS for pages that may read it, gzip if it is long."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import orjson
import pytest
import structlog
from aiohttp import web

from bridge.config.file_descriptors import ConnectionLimits
from bridge.http.errors import UapiError
from bridge.http.http_settings import ServerSettings
from bridge.http.json_answer import json_answer
from bridge.http.server import close_http, start_http
from bridge.http.streaming import send_pieces
from bridge.supervision.tasks import awaited, in_background
from bridge.testing.lab.free_port import free_http_port

PAGE = "https://app.example"
LONG = {"entry": ["0003*210"] * 5000}
PREFLIGHT = {"Access-Control-Request-Method": "PUT"}


async def bound_id() -> object:
    return structlog.contextvars.get_contextvars().get("request_id")


async def ids(_: web.Request) -> web.Response:
    own = await bound_id()
    part = await awaited(bound_id(), "a part of the request")
    later = await in_background(bound_id(), "later")
    return json_answer([own, part, later])


async def long(_: web.Request) -> web.Response:
    return json_answer(LONG)


async def short(_: web.Request) -> web.Response:
    return json_answer({"entry": []})


async def refused(_: web.Request) -> web.Response:
    raise UapiError(401, "access_denied", "A valid access token is needed.", {"X-Own": "1"})


async def failing(_: web.Request) -> web.Response:
    raise RuntimeError


async def pieces(request: web.Request) -> web.StreamResponse:
    async def two() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    response = web.StreamResponse()
    return await send_pieces(request, response, two(), 6, min_bytes_per_s=1)


@asynccontextmanager
async def served(*cross_origins: str) -> AsyncIterator[aiohttp.ClientSession]:
    app = web.Application()
    for handler in (ids, long, short, refused, failing, pieces):
        app.router.add_get(f"/{handler.__name__}", handler)
    port = free_http_port()
    limits = ConnectionLimits(total=100, per_address=100)
    settings = ServerSettings(
        ("127.0.0.1",), port, limits, 5.0, 1.0, 8192, 8192, cross_origins=cross_origins
    )
    runner = await start_http(app, settings)
    try:
        async with aiohttp.ClientSession(
            f"http://127.0.0.1:{port}", auto_decompress=False
        ) as client:
            yield client
    finally:
        await close_http(runner)


EVERY_PATH = ["/ids", "/refused", "/failing", "/pieces", "/nowhere"]


@pytest.mark.parametrize("path", EVERY_PATH)
async def test_given_no_id_when_asked_then_every_answer_has_one_of_its_own(path: str) -> None:
    async with served() as client:
        found = set()
        for _ in range(2):
            async with client.get(path) as answer:
                found.add(answer.headers["X-Request-Id"])
        assert len(found) == 2
        assert all(len(x) == 16 for x in found)


@pytest.mark.parametrize(
    ("given", "taken_over"),
    [
        ("0af7651916cd43dd8448eb211c80319c", True),
        ("order/17~b.c_d=", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("a b", False),
        ("a\tb", False),
        ('"', False),
        ("é", False),
        ("", False),
    ],
)
async def test_an_id_of_the_client_counts_if_it_is_well_formed(
    given: str, *, taken_over: bool
) -> None:
    async with served() as client, client.get("/ids", headers={"X-Request-Id": given}) as answer:
        own = answer.headers["X-Request-Id"]
        assert (own == given) is taken_over
        # Its log lines carry it, and those of its parts; work that outlives it does not.
        assert await answer.json() == [own, own, None]


async def test_given_no_http_when_answered_then_the_answer_has_an_id() -> None:
    async with served() as client, client.get("/ids", headers={"X-Long": "x" * 9000}) as answer:
        assert answer.status == 400
        assert answer.headers["X-Request-Id"]


def of_cors(headers: Mapping[str, str]) -> dict[str, str]:
    start = "Access-Control-"
    return {k.removeprefix(start): v for k, v in headers.items() if k.startswith(start)}


@pytest.mark.parametrize("path", EVERY_PATH)
async def test_given_an_allowed_page_when_it_asks_then_it_may_read_the_answer(path: str) -> None:
    async with served(PAGE) as client, client.get(path, headers={"Origin": PAGE}) as answer:
        headers = of_cors(answer.headers)
        assert headers["Allow-Origin"] == PAGE
        assert "X-Request-Id" in headers["Expose-Headers"]
        assert "Allow-Credentials" not in headers
        assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize("path", ["/ids", "/nowhere"])
async def test_given_an_allowed_page_when_its_browser_asks_before_then_it_may(path: str) -> None:
    asks = {"Origin": PAGE, **PREFLIGHT, "Access-Control-Request-Headers": "authorization"}
    async with served(PAGE) as client, client.options(path, headers=asks) as answer:
        assert answer.status == 204
        headers = of_cors(answer.headers)
        assert headers["Allow-Origin"] == PAGE
        assert "PUT" in headers["Allow-Methods"]
        assert "Authorization" in headers["Allow-Headers"]


@pytest.mark.parametrize(
    "origin",
    [
        "http://app.example",
        "https://app.example:8443",
        "https://app.example.evil.example",
        "https://evil.example",
        "null",
        "é",
        "https://app.example, https://evil.example",
    ],
)
async def test_given_another_page_when_it_asks_then_it_may_not_read_the_answer(
    origin: str,
) -> None:
    async with served(PAGE) as client:
        for method, more in (("GET", {}), ("OPTIONS", PREFLIGHT)):
            asked = client.request(method, "/ids", headers={"Origin": origin, **more})
            async with asked as answer:
                assert of_cors(answer.headers) == {}
                assert answer.headers["Vary"] == "Origin"


async def test_given_every_page_allowed_when_one_asks_then_it_may_and_no_cookie_counts() -> None:
    async with served("*") as client, client.get("/ids", headers={"Origin": "null"}) as answer:
        assert of_cors(answer.headers)["Allow-Origin"] == "*"
        assert "Allow-Credentials" not in of_cors(answer.headers)


async def test_given_no_setting_when_a_page_asks_then_nothing_is_said_of_origins() -> None:
    async with served() as client, client.get("/ids", headers={"Origin": PAGE}) as answer:
        assert of_cors(answer.headers) == {}
        assert "Vary" not in answer.headers


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("identity", False),
        ("", False),
    ],
)
async def test_a_long_answer_is_packed_for_who_accepts_it(accepted: str, *, packed: bool) -> None:
    async with served() as client:
        async with client.get("/long", headers={"Accept-Encoding": accepted}) as answer:
            body = await answer.read()
            assert ("gzip" in answer.headers.get("Content-Encoding", "")) is packed
            assert "Accept-Encoding" in answer.headers["Vary"]
        plain = zlib.decompress(body, 31) if packed else body
        assert orjson.loads(plain) == LONG
        assert len(body) < 1000 if packed else len(body) > 50_000


async def test_a_short_answer_is_not_packed() -> None:
    packed = {"Accept-Encoding": "gzip"}
    async with served() as client, client.get("/short", headers=packed) as answer:
        assert "Content-Encoding" not in answer.headers
        assert await answer.json() == {"entry": []}
