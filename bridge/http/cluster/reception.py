"""Takes requests of other instances: each is proved genuine before anything is done for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from aiohttp import web

from bridge.cluster.forward_header import (
    COVERED,
    HEADER,
    ForwardRefused,
    ForwardSigner,
    ReceivedForward,
    RequestShape,
)
from bridge.cluster.replayed_forwards import ReplayedForwards
from bridge.cluster.shared_clock import SharedClock
from bridge.http.answer_headers import answer_headers
from bridge.http.error_answers import Handler, log_refusal
from bridge.http.errors import UapiError, error_response
from bridge.http.forwarded import CALL_ID, FORWARDED, ForwardedRequest


@dataclass(frozen=True, slots=True)
class Reception:
    """The parts that check the header of a forwarded request."""

    signer: ForwardSigner
    replays: ReplayedForwards
    clock: SharedClock


@runtime_checkable
class _CountsConnections(Protocol):
    def is_of_instance(self) -> None: ...


def with_forwarded(handler: Handler, reception: Reception) -> Handler:
    """Wrap `handler`: it sees a forwarded request as its client sent it.

    A header that is not genuine is answered 401, before the body is read. So is a copy of a genuine
    one; that answer proves that the request has come here before.
    """

    async def receiving(request: web.BaseRequest) -> web.StreamResponse:
        headers = request.headers.getall(HEADER, [])
        if not headers:
            return await handler(request)
        try:
            received = _checked(request, headers, reception)
        except ForwardRefused as why:
            return _refused(request, str(why))
        protocol = request.protocol
        if isinstance(protocol, _CountsConnections):
            protocol.is_of_instance()
        if not _is_new(received, reception):
            response = _refused(request, "it has come before")
            response.headers[HEADER] = received.proof
            return response
        clone = request.clone(remote=received.forward.remote, scheme=received.forward.scheme)
        until_s = asyncio.get_running_loop().time() + _left_s(received, reception)
        try:
            async with asyncio.timeout_at(until_s):
                received.require_body(await clone.read())
            if _left_s(received, reception) < 0:  # this process stood still, or the clock was set
                raise ForwardRefused("its time is over")
        except (ForwardRefused, TimeoutError, web.HTTPException, ValueError) as why:
            return _refused(request, f"its body: {str(why) or type(why).__name__}")
        _state(clone, received, until_s)
        return await handler(clone)

    return receiving


def _checked(request: web.BaseRequest, headers: list[str], reception: Reception) -> ReceivedForward:
    if len(headers) != 1:
        raise ForwardRefused("there are several headers")
    # A handler would read the first one, and the last one would be checked.
    if any(len(request.headers.getall(x, ())) > 1 for x in COVERED):
        raise ForwardRefused("a signed header was given twice")
    lower = {name.lower(): value for name, value in request.headers.items()}
    shape = RequestShape(request.method, request.raw_path, lower)
    return reception.signer.check(headers[0], shape, reception.clock.now_ms())


def _left_s(received: ReceivedForward, reception: Reception) -> float:
    """Its sender reckons with it for so long. Later the request is not begun."""
    return (received.forward.deadline_ms - reception.clock.now_ms()) / 1000


def _state(request: web.BaseRequest, received: ReceivedForward, until_s: float) -> None:
    forward = received.forward
    request[FORWARDED] = ForwardedRequest(
        forward.sender, forward.pbx, forward.principal, forward.wanted, until_s
    )
    if forward.call_id:
        request[CALL_ID] = forward.call_id
    answer_headers(request)[HEADER] = received.proof


def _is_new(received: ReceivedForward, reception: Reception) -> bool:
    deadline_ms = received.forward.deadline_ms
    return reception.replays.is_new(received.nonce, deadline_ms, reception.clock.now_ms())


def _refused(request: web.BaseRequest, why: str) -> web.Response:
    log_refusal(request, 401, "forward_refused", why)
    error = UapiError(401, "access_denied", "This header is of instances among themselves.")
    response = error_response(error)
    response.force_close()  # its body has not been read
    return response
