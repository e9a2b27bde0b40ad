"""Errors in the form of the UnifiedAPI, and the one place that maps ours to them.

Body `{"error": {"code", "message"}}` (uapi.md §6); the codes of Create are in
spec/003, those of Delete in spec/000. Ours, where the specification has none: `request_invalid`,
`pc_video_invalid`, `pc_recording_invalid`, `too_many_requests`, `pbx_unavailable`,
`call_not_placed`, `idempotency_key_invalid`, `idempotency_conflict`, `not_found`,
`method_not_allowed`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage

from bridge.calls.errors import CallNotPlaced, TooManyCalls
from bridge.calls.pbx import PbxUnavailable
from bridge.directory.errors import ExtensionInvalid, UserInvalid
from bridge.storage.faults import StorageUnavailable

PBX_RETRY_AFTER_S = 5
UNREADABLE_BODY = (web.RequestPayloadError, BadHttpMessage)
"""What reading a body raises that is not as its headers say: no gzip, a broken chunk."""


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


def access_denied() -> UapiError:
    """The same for no token, a wrong one and an expired one (uapi.md §7)."""
    return UapiError(
        401,
        "access_denied",
        "A valid access token is needed, as header 'Authorization: Bearer …' or query "
        "parameter accessRequestToken.",
        {"WWW-Authenticate": 'Bearer realm="uapi"'},
    )


def error_response(error: UapiError) -> web.Response:
    return web.Response(
        status=error.status,
        text=error_body(error.code, error.message),
        content_type="application/json",
        headers=error.headers,
    )


def error_body(code: str, message: str) -> str:
    return json.dumps({"error": {"code": code, "message": message}}, ensure_ascii=False)


def as_uapi_error(fault: Exception) -> UapiError | None:
    """Our own errors as the API's; None for what is a defect of ours."""
    if isinstance(fault, UapiError):
        return fault
    if isinstance(fault, UserInvalid):
        return invalid("user_invalid", fault.reason)
    if isinstance(fault, ExtensionInvalid):
        return invalid("extension_invalid", fault.reason)
    if isinstance(fault, TooManyCalls):
        retry = {"Retry-After": str(math.ceil(fault.retry_after_s))}
        return UapiError(429, "too_many_requests", str(fault), retry)
    if isinstance(fault, PbxUnavailable):
        retry = {"Retry-After": str(PBX_RETRY_AFTER_S)}
        return UapiError(503, "pbx_unavailable", f"The PBX cannot be used now: {fault}", retry)
    if isinstance(fault, StorageUnavailable):
        retry = {"Retry-After": str(PBX_RETRY_AFTER_S)}
        return UapiError(503, "storage_unavailable", "Nothing can be stored at the moment.", retry)
    if isinstance(fault, CallNotPlaced):
        return UapiError(
            502, "call_not_placed", f"The PBX did not take call {fault.call_id}: {fault}"
        )
    if isinstance(fault, UNREADABLE_BODY):
        return invalid("request_invalid", "The body is not encoded as its headers say.")
    if isinstance(fault, web.HTTPException):
        return _of_http(fault)
    return None


def _of_http(fault: web.HTTPException) -> UapiError:
    if fault.status == 404:
        return UapiError(404, "not_found", "There is no such resource.")
    if fault.status == 405:
        allow = fault.headers.get("Allow", "")
        return UapiError(
            405, "method_not_allowed", f"This resource allows {allow}.", {"Allow": allow}
        )
    if fault.status == 413:
        return UapiError(413, "request_too_large", "The body is larger than this service takes.")
    if fault.status == 417:
        return UapiError(417, "request_invalid", "Expect must be 100-continue, or left out.")
    return UapiError(fault.status, "request_invalid", fault.reason)
