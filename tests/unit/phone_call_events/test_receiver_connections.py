"""Requests on connections that are kept open, to receivers that speak HTTP in all its ways."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
from aiohttp.resolver import DefaultResolver
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from bridge.phone_call_events.receiver_answer import AnswerReader, NoAnswer, ReceiverAnswer
from bridge.phone_call_events.receiver_connections import (
    ConnectionClosed,
    NotConnected,
    ReceiverConnections,
)

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
        self.lost = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None

    def say(self, unasked: bytes) -> None:
        """On the newest connection."""
        assert self._writer is not None
        self._writer.write(unasked)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._writer = writer
        try:
            while True:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                answer = self._answers.pop(0)
                if not answer:
                    break
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.lost.set()
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
) -> ReceiverAnswer:
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
        assert first == ReceiverAnswer(204 if answer is EMPTY else 200, None)
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


ODD_BUT_ANSWERED = {
    "a line of 9 KB": b"HTTP/1.1 200 OK\r\nSet-Cookie: " + b"x" * 9_216 + b"\r\n\r\n",
    "200 headers": b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200 + b"\r\n",
    "length and chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "length twice": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "no body, and a body": b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok",
    "a line without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n",
    "a blank before the colon": b"HTTP/1.1 200 OK\r\nX-Name : a\r\nContent-Length: 0\r\n\r\n",
    "HTTP/2": b"HTTP/2 200\r\nContent-Length: 0\r\n\r\n",
    "ICY": b"ICY 200 OK\r\nContent-Length: 0\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "an empty line first": b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\nX\r\n\r\n",
    "a folded line": b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "headers without end": b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 10_000,
    "a line without end": b"HTTP/1.1 200 OK\r\nX-A: " + b"x" * LONG,
    "chunks that are none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok",
    "no length": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nok",
    "an upgrade": b"HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("answer", ODD_BUT_ANSWERED.values(), ids=ODD_BUT_ANSWERED)
async def test_given_status_and_an_odd_rest_when_answered_then_it_counts_and_costs_the_connection(
    answer: bytes,
) -> None:
    async with scripted(answer, EMPTY) as (receiver, connections):
        assert (await ask(receiver, connections)).status // 100 == 2
        assert (await ask(receiver, connections)).status == 204
        assert receiver.accepted == 2
        assert receiver.requests == [GET, GET]


@pytest.mark.parametrize("piece", [1, 7])
async def test_given_answers_in_small_pieces_when_read_then_they_are_read_alike(piece: int) -> None:
    whole = b"\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nRetry-After: 3\r\n"
    whole += b"Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n0\r\nTrailer: x\r\n\r\n"
    reader = AnswerReader()
    for at in range(0, len(whole), piece):
        assert not reader.over
        reader.feed(whole[at : at + piece])
    assert (reader.answer, reader.over, reader.reusable) == (ReceiverAnswer(200, "3"), True, True)


@given(pieces=st.lists(st.binary(max_size=30) | st.sampled_from([b"HTTP/1.1 200 OK", b"\r\n"])))
def test_given_any_bytes_when_read_then_there_is_an_answer_or_none_and_nothing_else(
    pieces: list[bytes],
) -> None:
    reader = AnswerReader()
    with suppress(NoAnswer):
        for piece in pieces:
            reader.feed(piece)
    if reader.reusable:
        assert reader.over
    if reader.over:
        assert reader.answer is not None


INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"


async def test_given_eight_interim_answers_when_the_final_one_follows_then_it_counts() -> None:
    async with scripted(INTERIM * 8 + EMPTY, EMPTY) as (receiver, connections):
        assert (await ask(receiver, connections)).status == 204
        assert (await ask(receiver, connections)).status == 204
        assert receiver.accepted == 1


@pytest.mark.parametrize(
    "flood", [INTERIM * 200, b"HTTP/1.1 103 Hints\r\nLink: " + b"x" * LONG], ids=["many", "long"]
)
async def test_given_interim_answers_without_end_when_asked_then_it_fails_before_its_time_is_up(
    flood: bytes,
) -> None:
    async with scripted(flood, EMPTY, timeout_s=60) as (receiver, connections):
        async with asyncio.timeout(20):
            with pytest.raises(NoAnswer):
                await ask(receiver, connections)
        assert (await ask(receiver, connections)).status == 204
        assert receiver.accepted == 2


async def test_given_more_receivers_than_are_kept_when_asked_then_the_oldest_is_closed() -> None:
    first, second = Scripted([EMPTY] * 2), Scripted([EMPTY] * 2)
    connections = ReceiverConnections(1, 5, DefaultResolver())
    async with AsyncExitStack() as stack:
        for receiver in (first, second):
            server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
            await stack.enter_async_context(server)
            receiver.origin = URL(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            await ask(receiver, connections)
        await ask(second, connections)
        await ask(first, connections)
        await connections.close()
    assert (first.accepted, second.accepted) == (2, 1)


async def test_given_bytes_on_an_idle_connection_when_used_next_then_there_is_a_new_one() -> None:
    async with scripted(EMPTY, EMPTY) as (receiver, connections):
        await ask(receiver, connections)
        receiver.say(EMPTY)
        await asyncio.wait_for(receiver.lost.wait(), 10)
        assert (await ask(receiver, connections)).status == 204
        assert receiver.accepted == 2


async def test_given_header_retry_after_when_answered_then_it_is_told() -> None:
    busy = b"HTTP/1.1 503 Busy\r\nretry-after: 7\r\nContent-Length: 0\r\n\r\n"
    async with scripted(busy) as (receiver, connections):
        assert await ask(receiver, connections) == ReceiverAnswer(503, "7")


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
        with pytest.raises(ConnectionClosed):
            await ask(receiver, connections)
        assert len(receiver.requests) == 2
        assert (await ask(receiver, connections)).status == 204


async def test_given_receiver_that_always_closes_when_asked_then_it_is_asked_twice() -> None:
    async with scripted(b"", b"", EMPTY) as (receiver, connections):
        with pytest.raises(ConnectionClosed):
            await ask(receiver, connections, again=True)
        assert receiver.accepted == 2


async def test_given_no_http_when_answered_then_that_is_told() -> None:
    async with scripted(b"SSH-2.0-OpenSSH\r\n\r\n", EMPTY) as (receiver, connections):
        with pytest.raises(NoAnswer):
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


async def test_given_an_earlier_exchange_when_the_next_one_is_silent_then_it_has_its_own_time() -> (
    None
):
    async with scripted(EMPTY, b"HTTP/1.1 ", timeout_s=0.4) as (receiver, connections):
        await ask(receiver, connections)
        await asyncio.sleep(0.3)  # most of the time of the first exchange
        asked_s = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            await ask(receiver, connections)
        assert asyncio.get_running_loop().time() - asked_s >= 0.39
        assert receiver.accepted == 1


async def test_given_connections_that_are_idle_for_long_when_their_time_comes_then_each_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bridge.phone_call_events.receiver_connections._KEEPALIVE_S", 0.3)
    async with scripted(EMPTY) as (first, connections), scripted(EMPTY, EMPTY) as (second, _):
        await ask(first, connections)
        await ask(second, connections)
        await asyncio.sleep(0.2)  # and the second one is used again meanwhile
        await ask(second, connections)
        await asyncio.wait_for(first.lost.wait(), 10)
        assert not second.lost.is_set()
        await asyncio.wait_for(second.lost.wait(), 10)
        assert (first.accepted, second.accepted) == (1, 1)


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
        with pytest.raises(NotConnected, match="certificate verify failed"):
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
