"""A request to another instance: what is genuine, and what is known of a request that failed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from bridge.cluster.forward_client import (
    ForwardBroken,
    ForwardClient,
    NotCarriedOut,
    NotHolder,
    OutgoingRequest,
)
from bridge.cluster.forward_header import (
    HEADER,
    Forward,
    ForwardRefused,
    ForwardSigner,
    RequestShape,
)
from bridge.cluster.lease import Lease

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SECRET = "the same at all instances"
REQUEST = OutgoingRequest("POST", "/a%20b/c?d=%2F", "pbx.example:8443", {"Prefer": "x"}, b"body")
FORWARD = Forward("a", "to be replaced", "pbx1", 5_000)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def proof_of(request: web.Request, body: bytes = REQUEST.body, secret: str = SECRET) -> str:
    """What a genuine instance named `b` answers with. Raises ForwardRefused."""
    lower = {name.lower(): value for name, value in request.headers.items()}
    shape = RequestShape(request.method, request.raw_path, lower)
    received = ForwardSigner(secret, "b").check(request.headers[HEADER], shape, 0)
    received.require_body(body)
    return received.proof


@asynccontextmanager
async def instance(handler: Handler) -> AsyncIterator[Lease]:
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handler)
    async with TestServer(app) as server:
        yield Lease("pbx:pbx1", "b", 7, str(server.make_url("/")))


async def ask(lease: Lease, request: OutgoingRequest = REQUEST, within_s: float = 30) -> bytes:
    async with (
        ForwardClient(ForwardSigner(SECRET, "a")) as client,
        client.answer(lease, FORWARD, request, within_s) as response,
    ):
        return await response.read()


async def test_the_request_arrives_as_it_was_and_the_answer_is_genuine() -> None:
    async def handler(request: web.Request) -> web.Response:
        body = await request.read()
        said = f"{request.method} {request.raw_path} {request.host} {request.headers['Prefer']} "
        assert "User-Agent" not in request.headers
        return web.Response(text=said + body.decode(), headers={HEADER: proof_of(request, body)})

    async with instance(handler) as lease:
        assert await ask(lease) == b"POST /a%20b/c?d=%2F pbx.example:8443 x body"


@pytest.mark.parametrize("trace", [{}, {"traceparent": "of the span of this request"}])
async def test_the_trace_of_this_request_is_sent_instead_of_that_of_the_client(
    trace: dict[str, str],
) -> None:
    client_sent = {"TraceParent": "of the client", "tracestate": "of the client"}

    async def handler(request: web.Request) -> web.Response:
        seen = {x: request.headers.getall(x, []) for x in ("traceparent", "tracestate")}
        wanted = trace if trace else {**client_sent, "traceparent": "of the client"}
        assert seen == {x: [wanted[x]] if x in wanted else [] for x in seen}
        return web.Response(headers={HEADER: proof_of(request, b"")})

    request = OutgoingRequest("GET", "/", "pbx.example", client_sent, b"")
    async with (
        instance(handler) as lease,
        ForwardClient(ForwardSigner(SECRET, "a"), trace=lambda: trace) as client,
        client.answer(lease, FORWARD, request, 30) as response,
    ):
        assert response.status == 200


async def test_a_redirect_is_the_answer_and_is_not_followed() -> None:
    async def handler(request: web.Request) -> web.Response:
        assert request.path == "/a b/c"
        headers = {HEADER: proof_of(request), "Location": "/elsewhere"}
        return web.Response(status=307, text="there", headers=headers)

    async with instance(handler) as lease:
        assert await ask(lease) == b"there"


async def test_a_connection_is_kept_for_the_next_request_but_not_after_half_an_answer() -> None:
    peers: list[object] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        peers.append(request.transport.get_extra_info("peername"))
        response = web.StreamResponse(headers={HEADER: proof_of(request)})
        await response.prepare(request)
        await response.write(b"x" * 400_000)
        return response

    async with (
        instance(handler) as lease,
        ForwardClient(ForwardSigner(SECRET, "a")) as client,
    ):
        for reads_all in (True, False, True):
            async with client.answer(lease, FORWARD, REQUEST, 30) as response:
                if reads_all:
                    await response.read()
    assert peers[0] == peers[1] != peers[2]


@pytest.mark.parametrize(
    ("status", "fault", "says"),
    [
        (421, NotHolder, "does not hold the PBX"),
        (401, ForwardBroken, "has come before"),
    ],
)
async def test_a_genuine_refusal_is_told(status: int, fault: type[Exception], says: str) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={HEADER: proof_of(request)})

    async with instance(handler) as lease:
        with pytest.raises(fault, match=says):
            await ask(lease)


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (401, NotCarriedOut),
        (404, NotCarriedOut),
        (421, NotCarriedOut),
        (503, NotCarriedOut),
        (200, ForwardBroken),
        (307, ForwardBroken),
        (500, ForwardBroken),
    ],
)
@pytest.mark.parametrize("proof", [None, "wrong", "é", "other secret"])
async def test_an_answer_without_a_proof_is_never_believed(
    status: int, fault: type[Exception], proof: str | None
) -> None:
    async def handler(request: web.Request) -> web.Response:
        given = proof
        if proof == "other secret":
            with pytest.raises(ForwardRefused):
                proof_of(request, secret=proof)
            lower = {name.lower(): value for name, value in request.headers.items()}
            shape = RequestShape(request.method, request.raw_path, lower)
            given = ForwardSigner(proof, "a").sign(FORWARD, shape, b"")[1]
        return web.Response(status=status, headers={HEADER: given} if given else {})

    async with instance(handler) as lease:
        with pytest.raises((NotCarriedOut, ForwardBroken), match=f"status {status}") as raised:
            await ask(lease)
    assert raised.type is fault


async def test_nobody_there_means_not_carried_out() -> None:
    with pytest.raises(NotCarriedOut) as raised:
        await ask(Lease("pbx:pbx1", "b", 7, f"http://127.0.0.1:{unused_port()}"))
    assert raised.type is NotCarriedOut


async def test_a_connection_that_breaks_after_the_request_leaves_the_outcome_open() -> None:
    async def handler(request: web.Request) -> web.Response:
        await request.read()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with instance(handler) as lease:
        with pytest.raises(ForwardBroken) as raised:
            await ask(lease)
    assert raised.value.epoch == -1


async def test_no_answer_in_time_leaves_the_outcome_open() -> None:
    over = asyncio.Event()

    async def handler(_: web.Request) -> web.Response:
        await over.wait()
        return web.Response()

    async with instance(handler) as lease:
        with pytest.raises(ForwardBroken, match=r"no answer within 0\.1 s"):
            await ask(lease, within_s=0.1)
        over.set()
