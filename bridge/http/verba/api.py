"""/verba/api: one URL; the parameter `action` says what is asked. GET and POST mean the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from bridge.http.context import SERVICES
from bridge.http.error_answers import log_refusal
from bridge.http.verba.answer import Answer, error_answer
from bridge.http.verba.attach_meta_data import attach_meta_data
from bridge.http.verba.call_information import get_call_id, get_call_information
from bridge.http.verba.delete_call import delete_call
from bridge.http.verba.errors import Code, VerbaError, as_verba_error
from bridge.http.verba.keep_call import keep_call
from bridge.http.verba.markers import add_marker, get_markers
from bridge.http.verba.media import get_media
from bridge.http.verba.mute_recording import mute_recording
from bridge.http.verba.parameters import Parameters
from bridge.http.verba.rendering import ResponseType, render
from bridge.http.verba.request import VerbaRequest, authenticated
from bridge.http.verba.request_token import request_token
from bridge.http.verba.search_calls import search_calls
from bridge.recordings.finding import AskerGone

log = structlog.get_logger()

_REQUEST_TOKEN = "RequestToken"  # noqa: S105 - an action, no token
_Action = Callable[[VerbaRequest], Awaitable[Answer | web.StreamResponse]]
_ACTIONS: dict[str, _Action] = {
    "DeleteCall": delete_call,
    "GetCallInformation": get_call_information,
    "GetCallID": get_call_id,
    "SearchCalls": search_calls,
    "KeepCall": keep_call,
    "GetMedia": get_media,
    "MuteRecording": mute_recording,
    "AddMarker": add_marker,
    "GetMarkers": get_markers,
    "AttachMetaData": attach_meta_data,
    "AttachMetadata": attach_meta_data,  # as the one public client spells it
}


async def api(http: web.Request) -> web.StreamResponse:
    response_type, action = ResponseType.XML, ""
    try:
        # From the query first, so that what is wrong with a form is said in the wanted form.
        response_type, action = _envelope(Parameters.of_query(http))
        parameters = await Parameters.of(http)
        response_type, action = _envelope(parameters)
        parameters.response_type()
        answer = await _answer(http, action, parameters)
    except AskerGone:
        return web.Response()  # nobody reads it
    except web.HTTPException:
        raise
    except Exception as fault:
        error = as_verba_error(fault)
        if error is None:
            log.exception("verba request failed", action=action)
            error = VerbaError(Code.UNEXPECTED_ERROR, "The service failed; see its log.")
        else:
            known = action if action in _ACTIONS or action == _REQUEST_TOKEN else "unknown"
            log_refusal(http, 200, str(error.code.value), error.message, action=known)
        answer = error_answer(action, error.code, error.message)
    return answer if isinstance(answer, web.StreamResponse) else render(answer, response_type)


def add_routes(app: web.Application) -> None:
    app.router.add_get("/verba/api{slash:/?}", api, allow_head=False)
    app.router.add_post("/verba/api{slash:/?}", api)


def _envelope(parameters: Parameters) -> tuple[ResponseType, str]:
    """How to answer and what was asked, as far as that can be told. Raises nothing."""
    words = parameters.every("responseType")
    known = [x for x in ResponseType if x.value in words]
    actions = parameters.every("action")
    return known[0] if len(known) == 1 else ResponseType.XML, actions[0] if actions else ""


async def _answer(
    http: web.Request, action: str, parameters: Parameters
) -> Answer | web.StreamResponse:
    if action == _REQUEST_TOKEN:
        return await request_token(http, action, parameters)
    parameters.required("action")
    handler = _ACTIONS.get(action)
    request = await authenticated(http, action, parameters, http.app[SERVICES].verba_access)
    if handler is None:
        raise VerbaError(Code.INVALID_ACTION, f"There is no action {action}.")
    return await handler(request)
