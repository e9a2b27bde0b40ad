"""Verba actions by POST with an `Idempotency-Key`: ours, beyond the vendor's interface.

Only the actions that change something read the key. A GET means the same as a POST here. But
HTTP clients and proxies repeat a GET as they like, so its key would promise too much.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from bridge.calls.pbx import PbxRefused, PbxUnavailable
from bridge.faults import Fenced, StorageUnavailable
from bridge.http.context import SERVICES
from bridge.http.error_answers import log_refusal
from bridge.http.errors import UapiError
from bridge.http.keyed_answers import (
    REPLAYED,
    IdempotentRequest,
    StoredAnswer,
    idempotency_key_of,
)
from bridge.http.verba.answer import VerbaAnswer, error_answer
from bridge.http.verba.errors import Code, VerbaError, as_verba_error, invalid_parameter
from bridge.http.verba.rendering import render
from bridge.http.verba.request import VerbaRequest
from bridge.recordings.deletion import AlreadyGone, CallProtected, UnderRetention
from bridge.recordings.file_removal import NotRemoved
from bridge.recordings.finder import ClientGone

_CHANGING = frozenset(
    {"DeleteCall", "KeepCall", "MuteRecording", "AddMarker", "AttachMetaData", "AttachMetadata"}
)
_SECRETS = ("apiKey", "token")  # a retry may have a new one
_CHANGED_NOTHING = (
    *(VerbaError, AlreadyGone, CallProtected, UnderRetention, ClientGone),
    *(PbxRefused, PbxUnavailable),
)
Answer = VerbaAnswer | web.StreamResponse


async def answered_once(
    request: VerbaRequest, act: Callable[[VerbaRequest], Awaitable[Answer]]
) -> Answer:
    """The answer of the action, or the first one to this key.

    Raises VerbaError, and what the action raises.
    """
    http = request.http
    if http.method != "POST" or request.action not in _CHANGING:
        return await act(request)
    if "Idempotency-Key" not in http.headers:
        return await act(request)
    kind = request.parameters.response_type()

    async def run() -> StoredAnswer:
        try:
            answer = await act(request)
        except NotRemoved as fault:  # marked as deleted: not to be carried out once more
            answer = _told(request, fault)
        response = render(answer, kind) if isinstance(answer, VerbaAnswer) else answer
        assert isinstance(response, web.Response)  # noqa: S101 - none of them streams
        return StoredAnswer(response.status, response.text or "")

    try:
        once = IdempotentRequest(
            _owner(request), idempotency_key_of(http.headers), _meaning(request)
        )
        kept = await http.app[SERVICES].keyed_answers.once_begun(
            once, run, _changed_nothing(request)
        )
    except UapiError as why:
        raise invalid_parameter(why.message) from None
    response = render(VerbaAnswer(request.action), kind)
    response.text = kept.text
    response.headers.update(REPLAYED if kept.replayed else {})
    return response


def _owner(request: VerbaRequest) -> str:
    """A slash is in no client id of an app."""
    return f"verba/{request.key.name}"


def _meaning(request: VerbaRequest) -> Callable[[], bytes]:
    user = "" if request.user is None else request.user.name
    pairs = [x for x in request.parameters.pairs() if x[0] not in _SECRETS]
    return lambda: json.dumps([user, pairs]).encode()


def _changed_nothing(request: VerbaRequest) -> Callable[[Exception], bool]:
    """A deletion is more than one transaction: of a fault in between nobody knows how far it is."""
    one_write = request.action != "DeleteCall"

    def did(fault: Exception) -> bool:
        if isinstance(fault, StorageUnavailable):
            return one_write and not fault.outcome_unknown
        if isinstance(fault, Fenced):
            return one_write
        return isinstance(fault, _CHANGED_NOTHING)

    return did


def _told(request: VerbaRequest, fault: NotRemoved) -> VerbaAnswer:
    error = as_verba_error(fault) or VerbaError(Code.UNEXPECTED_ERROR, str(fault))
    code = str(error.code.value)
    log_refusal(request.http, 200, code, error.message, action=request.action)
    return error_answer(request.action, error.code, error.message)
