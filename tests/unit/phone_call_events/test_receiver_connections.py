"""Requests on connections that are kept open, to receivers that speak HTTP in all its ways."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp.resolver import DefaultResolver
from yarl import URL

from bridge.phone_call_events.receiver_connections import Answer, ReceiverConnections

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
LONG = 100_000


class Scripted:
    """Answers each request with the next of `answers`; an empty one closes instead.

    `accepted`: how many connections were made.
    """

    def __init__(self, answers: Sequence[bytes]) -> None:
        self._answers = list(answers)
        self.accepted = 0
        self.requests: list[bytes] = []
        self.origin = URL()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        try:
            while True:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                answer = self._answers.pop(0)
                if not answer:
                    break
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def scripted(
    *answers: bytes, timeout_s: float = 5
) -> AsyncIterator[tuple[Scripted, ReceiverConnections]]:
    receiver = Scripted(answers)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.origin = URL(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    connections = ReceiverConnections(10, timeout_s, DefaultResolver())
    try:
        async with server:
            yield receiver, connections
            await connections.close()
    finally:
        await connections.close()


@asynccontextmanager
async def full_backlog() -> AsyncIterator[URL]:
    """A port at which nobody accepts, and no more connections fit in the queue."""
    loop = asyncio.get_running_loop()
    with socket.socket() as listening, ExitStack() as waiting:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        while True:
            another = waiting.enter_context(socket.socket())
            another.setblocking(False)
            try:
                async with asyncio.timeout(0.2):
                    await loop.sock_connect(another, listening.getsockname())
            except TimeoutError:
                break
        yield URL(f"http://127.0.0.1:{listening.getsockname()[1]}")


def self_signed(folder: Path) -> ssl.SSLContext:
    """With a certificate for localhost."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    of_localhost = "-subj /CN=localhost -addext subjectAltName=DNS:localhost"
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(
        [*command.split(), *of_localhost.split(), *files],
        check=True,
        capture_output=True,
        timeout=30,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def no_check() -> None:
    pass


async def ask(
    receiver: Scripted, connections: ReceiverConnections, *, again: bool = False
) -> Answer:
    return await connections.exchange(receiver.origin, GET, no_check, again_if_closed=again)


@pytest.mark.parametrize(
    "answer",
    [
        EMPTY,
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nno!",
    ],
    ids=["204", "empty", "short", "chunked", "after 100", "compressed, as they say"],
)
async def test_given_short_answer_when_next_request_is_sent_then_the_connection_is_used_again(
    answer: bytes,
) -> None:
    async with scripted(answer, EMPTY) as (receiver, connections):
        first = await ask(receiver, connections)
        assert first == Answer(204 if answer is EMPTY else 200, None)
        assert (await ask(receiver, connections)).status == 204
        assert receiver.accepted == 1
        assert receiver.requests == [GET, GET]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LONG + b"x" * LONG,
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 500 Never asked\r\n\r\n",
    ],
    ids=["long", "told to close", "HTTP 1.0", "more than one answer"],
)
async def test_given_doubtful_answer_when_next_request_is_sent_then_it_has_a_new_connection(
    answer: bytes,
) -> None:
    async with scripted(answer, EMPTY) as (receiver, connections):
        assert (await ask(receiver, connections)).status == 200
        assert (await ask(receiver, connections)).status == 204
        assert receiver.accepted == 2


async def test_given_header_retry_after_when_answered_then_it_is_told() -> None:
    busy = b"HTTP/1.1 503 Busy\r\nretry-after: 7\r\nContent-Length: 0\r\n\r\n"
    async with scripted(busy) as (receiver, connections):
        assert await ask(receiver, connections) == Answer(503, "7")


async def test_given_connection_closed_when_used_again_then_another_one_is_tried_if_allowed() -> (
    None
):
    async with scripted(EMPTY, b"", EMPTY) as (receiver, connections):
        await ask(receiver, connections)
        assert (await ask(receiver, connections, again=True)).status == 204
        assert receiver.accepted == 2


async def test_given_connection_closed_when_used_again_and_only_once_then_that_is_told() -> None:
    async with scripted(EMPTY, b"", EMPTY) as (receiver, connections):
        await ask(receiver, connections)
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await ask(receiver, connections)
        assert len(receiver.requests) == 2
        assert (await ask(receiver, connections)).status == 204


async def test_given_receiver_that_always_closes_when_asked_then_it_is_asked_twice() -> None:
    async with scripted(b"", b"", EMPTY) as (receiver, connections):
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await ask(receiver, connections, again=True)
        assert receiver.accepted == 2


async def test_given_no_http_when_answered_then_that_is_told() -> None:
    async with scripted(b"SSH-2.0-OpenSSH\r\n\r\n", EMPTY) as (receiver, connections):
        with pytest.raises(aiohttp.ClientError):
            await ask(receiver, connections)
        assert (await ask(receiver, connections)).status == 204
        assert receiver.accepted == 2


@pytest.mark.parametrize(
    "begun", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: b\r\n"]
)
async def test_given_answer_begun_and_not_ended_when_time_is_up_then_the_connection_is_given_up(
    begun: bytes,
) -> None:
    async with scripted(begun, EMPTY, begun, timeout_s=0.3) as (receiver, connections):
        with pytest.raises(TimeoutError):
            await ask(receiver, connections, again=True)
        assert (await ask(receiver, connections)).status == 204
        with pytest.raises(TimeoutError):  # on a connection that was used before
            await ask(receiver, connections, again=True)
        assert len(receiver.requests) == 3
        assert receiver.accepted == 2


async def test_given_closed_connection_and_then_silence_when_time_is_up_then_it_ends_in_time() -> (
    None
):
    async with scripted(EMPTY, b"", b"HTTP/1.1 ", timeout_s=0.3) as (receiver, connections):
        await ask(receiver, connections)
        async with asyncio.timeout(5):
            with pytest.raises(TimeoutError):
                await ask(receiver, connections, again=True)
        assert len(receiver.requests) == 3


async def test_given_host_that_does_not_answer_when_connecting_then_it_ends_in_time() -> None:
    async with full_backlog() as origin:
        connections = ReceiverConnections(10, 0.3, DefaultResolver())
        with pytest.raises(TimeoutError):
            await connections.exchange(origin, GET, no_check, again_if_closed=True)
        await connections.close()


async def test_given_certificate_that_nobody_vouches_for_when_connecting_then_nothing_is_sent(
    tmp_path: Path,
) -> None:
    receiver = Scripted([EMPTY])
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=self_signed(tmp_path))
    port = server.sockets[0].getsockname()[1]
    origin = URL(f"https://localhost:{port}")
    connections = ReceiverConnections(10, 5, DefaultResolver())
    async with server:
        with pytest.raises(aiohttp.ClientConnectorError, match="certificate verify failed"):
            await connections.exchange(origin, GET, no_check, again_if_closed=True)
        await connections.close()
    assert receiver.requests == []


async def test_given_a_check_that_fails_when_connected_then_nothing_is_sent() -> None:
    def gone() -> None:
        raise LookupError

    async with scripted(EMPTY) as (receiver, connections):
        with pytest.raises(LookupError):
            await connections.exchange(receiver.origin, GET, gone, again_if_closed=True)
        assert (await ask(receiver, connections)).status == 204
        assert len(receiver.requests) == 1
