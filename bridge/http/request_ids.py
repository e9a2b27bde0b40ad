"""The id of a request: in the header X-Request-Id of its answer, and in each of its log lines."""

from __future__ import annotations

import re
import secrets

import structlog
from aiohttp import web

from bridge.http.answer_headers import add_answer_headers, answer_headers
from bridge.http.error_answers import Handler

REQUEST_ID = "X-Request-Id"
_WELL_FORMED = re.compile(r"[A-Za-z0-9._~+/=-]{1,128}")
_BYTES = 8  # two of a day do not meet


def new_request_id() -> str:
    """16 hexadecimal digits, at random."""
    return secrets.token_hex(_BYTES)


def with_request_id(handler: Handler) -> Handler:
    """Wrap `handler`: its answer names the request's id, and so does each log line meanwhile.

    A well-formed id of the client is taken over: 1 to 128 letters, digits or `._~+/=-`. Any other
    is replaced, so that no client writes what it likes into the log.
    """

    async def identified(request: web.BaseRequest) -> web.StreamResponse:
        given = request.headers.get(REQUEST_ID, "")
        request_id = given if _WELL_FORMED.fullmatch(given) else new_request_id()
        # A connection has one task, which serves its requests in turn: each binds its own id.
        structlog.contextvars.bind_contextvars(request_id=request_id)
        answer_headers(request)[REQUEST_ID] = request_id
        response = await handler(request)
        if not response.prepared:
            add_answer_headers(request, response)
        return response

    return identified
