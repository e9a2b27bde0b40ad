"""A client that dies in the middle of its request is no error of the service."""

from __future__ import annotations

import asyncio
import base64
import os

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab

pytestmark = pytest.mark.asyncio(loop_scope="session")

_PATHS = (
    "/uapi/phoneCalls/@me/simple",
    "/uapi/extensions/@me/210/phoneCallEvents",
    "/oauth/token.php",
    "/verba/api",
    "/nowhere",
    "/health/live",
)


async def connection(lab: RunningLab) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = lab.bridge.base_url.removeprefix("http://").partition(":")
    return await asyncio.open_connection(host, int(port))


async def leave(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    if reset:
        writer.transport.abort()
    else:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("reset", [False, True])
async def test_given_clients_that_die_in_their_body_then_the_log_has_no_error(
    lab: RunningLab, api: ApiClient, *, reset: bool
) -> None:
    token = api.token or await api.authenticate()
    for path in _PATHS:
        for body in (
            "Content-Length: 100\r\n\r\nabc",
            "Transfer-Encoding: chunked\r\n\r\n64\r\nabc",
        ):
            _, writer = await connection(lab)
            writer.write(
                f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
                f"Content-Type: application/x-www-form-urlencoded\r\n{body}".encode()
            )
            await writer.drain()
            await asyncio.sleep(0.1)  # it has been read, and is waited for
            await leave(writer, reset=reset)
    async with asyncio.timeout(10):
        assert (await api.request("GET", "/health/live")).status == 200
    await asyncio.sleep(0.3)  # in which a fault would have been logged
    assert lab.bridge.log_lines("error") == []
    assert await api.calls() == []


@pytest.mark.parametrize("reset", [False, True])
async def test_given_a_phone_that_dies_on_websocket_then_there_is_no_second_answer_and_no_error(
    lab: RunningLab, *, reset: bool
) -> None:
    reader, writer = await connection(lab)
    key = base64.b64encode(os.urandom(16)).decode()
    writer.write(
        b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n"
        b"Sec-WebSocket-Key: " + key.encode() + b"\r\n\r\n"
    )
    async with asyncio.timeout(10):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    writer.write(b"\xff\xff\xff no frame of WebSocket")
    async with asyncio.timeout(10):
        rest = await reader.read()
    assert b"HTTP/1.1" not in rest
    await leave(writer, reset=reset)
    assert lab.bridge.log_lines("error") == []
