"""A body costs no more than its length: nothing that a client sends is unpacked."""

from __future__ import annotations

import asyncio
import json
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from bridge.testing.lab.running_lab import RunningLab
from tests.lab.process_cpu import cpu_s
from tests.lab.raw_http import send_raw

from .raw_post import post

pytestmark = pytest.mark.asyncio(loop_scope="session")

_PATHS = (
    "/oauth/token.php",
    "/verba/api",
    "/uapi/phoneCalls/@me/simple",
    "/uapi/extensions/@me/210/phoneCallEvents",
    "/nowhere",
    "/health/live",
)
GZIP = {"Content-Encoding": "gzip"}
_UNPACKED_BYTES = 1_000_000_000


def bomb() -> bytes:
    """About 1 MB of gzip that unpacks to 1 GB: one compressed megabyte of zeros, many times."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    head = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    return head + first * (_UNPACKED_BYTES // 1_000_000)


@asynccontextmanager
async def another_client(base_url: str) -> AsyncIterator[list[float]]:
    """Asks for /health/live again and again; how long each answer took, in seconds."""
    waits: list[float] = []

    async def ask() -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                began = time.monotonic()
                async with session.get(f"{base_url}/health/live") as answer:
                    await answer.read()
                waits.append(time.monotonic() - began)
                await asyncio.sleep(0.01)  # a client that asks now and then

    task = asyncio.create_task(ask())
    try:
        yield waits
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_bomb_is_one() -> None:
    packed = bomb()
    assert len(packed) < 1_100_000
    unpacker = zlib.decompressobj(31)
    assert len(unpacker.decompress(packed[: len(packed) // 100])) > _UNPACKED_BYTES // 150


async def test_given_bodies_that_unpack_to_1_gb_when_posted_anywhere_then_nobody_waits_for_them(
    lab: RunningLab,
) -> None:
    packed, pid = bomb(), lab.bridge.pid
    for path in _PATHS:
        before = cpu_s(pid)
        async with another_client(lab.bridge.base_url) as waits:
            answers = await asyncio.gather(
                *(post(lab.bridge.base_url, path, packed, headers=GZIP) for _ in range(4))
            )
        assert [status for status, _, _ in answers] == [415] * 4, path
        # Unpacking took 6 s of CPU and another client waited as long.
        assert cpu_s(pid) - before < 1.5, path
        assert sorted(waits)[len(waits) // 2] < 0.2, (path, waits)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, identity", "x"])
async def test_given_any_content_encoding_when_posted_then_415_in_the_form_of_the_api(
    lab: RunningLab, encoding: str
) -> None:
    for path in _PATHS:
        status, head, text = await post(
            lab.bridge.base_url, path, b"abc", headers={"Content-Encoding": encoding}
        )
        assert status == 415, (path, text)
        assert "Accept-Encoding: identity" in head
        said = "The body must not be compressed"
        if path == "/oauth/token.php":
            body = json.loads(text)
            assert body["error"] == "invalid_request"
            assert body["error_description"].startswith(said)
        elif path == "/verba/api":
            assert b'<Response code="-20"' in text
            assert said.encode() in text
        else:
            error = json.loads(text)["error"]
            assert error["code"] == "content_encoding_unsupported"
            assert error["message"].startswith(said)


async def test_given_a_compressed_transfer_when_posted_then_it_is_not_implemented(
    lab: RunningLab,
) -> None:
    """A proxy before us that unpacks it would see another body than we do."""
    coded = {"Host": "x", "Transfer-Encoding": "gzip, chunked"}
    answer = await send_raw(lab.bridge.base_url, "POST /oauth/token.php HTTP/1.1", coded)
    assert answer.status == 501


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
async def test_given_no_encoding_by_name_when_posted_then_it_is_taken(
    lab: RunningLab, encoding: str
) -> None:
    status, _, text = await post(
        lab.bridge.base_url,
        "/oauth/token.php",
        b"grant_type=x",
        headers={"Content-Encoding": encoding},
    )
    assert (status, json.loads(text)["error"]) == (400, "unsupported_grant_type")


async def test_given_a_phone_that_offers_compression_when_connected_then_frames_are_not_unpacked(
    lab: RunningLab,
) -> None:
    url = lab.bridge.base_url.replace("http", "ws", 1) + "/ws"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=("sip",), compress=15) as socket,
    ):
        assert socket.compress == 0
