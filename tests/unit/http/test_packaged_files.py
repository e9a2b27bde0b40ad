"""Files of the package come whole, in gzip or unpacked, and only if they have changed."""

from __future__ import annotations

import gzip
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from bridge.config.file_descriptors import ConnectionLimits
from bridge.http.http_settings import ServerSettings
from bridge.http.packaged_files import packaged_file
from bridge.http.server import close_http, start_http
from bridge.testing.lab.free_port import free_http_port

TEXT = random.Random(1).randbytes(40_000) + b"text " * 40_000


@asynccontextmanager
async def served(file: Path) -> AsyncIterator[aiohttp.ClientSession]:
    app = web.Application()
    app.router.add_get("/file", packaged_file(file, "text/css", {"X-Own": "1"}))
    limits = ConnectionLimits(total=10, per_address=10)
    port = free_http_port()
    runner = await start_http(app, ServerSettings(("127.0.0.1",), port, limits, 5, 1, 8192, 8192))
    try:
        async with aiohttp.ClientSession(
            f"http://127.0.0.1:{port}", auto_decompress=False, skip_auto_headers=["Accept-Encoding"]
        ) as client:
            yield client
    finally:
        await close_http(runner)


@pytest.fixture(params=["plain.css", "packed.css.gz"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / str(request.param)
    file.write_bytes(gzip.compress(TEXT) if file.suffix == ".gz" else TEXT)
    return file


@pytest.mark.parametrize(("accepted", "packed"), [("gzip, br", True), ("gzip;q=0", False)])
async def test_the_whole_file_comes_as_the_client_takes_it(
    file: Path, accepted: str, *, packed: bool
) -> None:
    headers = {"Accept-Encoding": accepted}
    async with served(file) as client, client.get("/file", headers=headers) as answer:
        body = await answer.read()
        assert (answer.headers.get("Content-Encoding") == "gzip") is packed
        assert (gzip.decompress(body) if packed else body) == TEXT
        assert int(answer.headers["Content-Length"]) == len(body)
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert (answer.content_type, answer.headers["X-Own"]) == ("text/css", "1")


async def test_given_the_files_etag_when_asked_again_then_nothing_is_sent(file: Path) -> None:
    async with served(file) as client:
        async with client.get("/file") as answer:
            etag = answer.headers["ETag"]
        for known, status in [(etag, 304), (f'"other", {etag}', 304), ('"other"', 200)]:
            async with client.get("/file", headers={"If-None-Match": known}) as answer:
                assert answer.status == status
                assert answer.headers["ETag"] == etag
                assert answer.headers["Cache-Control"] == "no-cache"
                assert (await answer.read() == b"") is (status == 304)


async def test_head_tells_the_length_and_sends_nothing(file: Path) -> None:
    async with served(file) as client, client.head("/file") as answer:
        assert (answer.status, int(answer.headers["Content-Length"])) == (200, len(TEXT))
        assert await answer.read() == b""
