"""Errors of the HTTP API in the form of the UnifiedAPI, for every route that answers in it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage

TAKEN_OVER_RETRY_AFTER_S = 2
"""Another instance takes a PBX over within a few seconds."""

UNREADABLE_BODY = (web.RequestPayloadError, BadHttpMessage)
"""The errors of reading a body that contradicts its headers, for example a broken chunk."""


class UapiError(Exception):
    """An answer other than success. `message` names the field and the rule."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def invalid(code: str, message: str) -> UapiError:
    """400 with the code of the field that is wrong."""
    return UapiError(400, code, message)


def access_denied(status: int = 401) -> UapiError:
    """The same for no token, a wrong one and an expired one (docs/reference/uapi.md §7).

    `status`: the status for an invalid token; some old clients renew theirs only on 403.
    """
    return UapiError(
        status,
        "access_denied",
        "A valid access token is needed, as header 'Authorization: Bearer …' or query "
        "parameter accessRequestToken.",
        {"WWW-Authenticate": 'Bearer realm="uapi"'},
    )


def error_response(error: UapiError) -> web.Response:
    """The answer with the status, headers and body of the error (docs/reference/uapi.md §6)."""
    return web.Response(
        status=error.status,
        text=error_body(error.code, error.message),
        content_type="application/json",
        headers=error.headers,
    )


def error_body(code: str, message: str) -> str:
    """The JSON body of an error (docs/reference/uapi.md §6)."""
    return json.dumps({"error": {"code": code, "message": message}}, ensure_ascii=False)
