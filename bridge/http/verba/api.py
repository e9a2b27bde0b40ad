"""/verba/api: one URL; the parameter `action` says what is asked. GET and POST mean the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from bridge.calls.pbx import InvalidPbxValue
from bridge.http.context import SERVICES
from bridge.http.error_answers import log_pbx_value, log_refusal
from bridge.http.errors import UapiError
from bridge.http.forwarded import FORWARDED, REFUSED_HEADER
from bridge.http.streaming import has_begun, has_left
from bridge.http.verba.answer import VerbaAnswer, error_answer
from bridge.http.verba.attach_meta_data import attach_meta_data
from bridge.http.verba.call_information import get_call_id, get_call_information
from bridge.http.verba.delete_call import delete_call
from bridge.http.verba.download_places import add_places
from bridge.http.verba.errors import Code, VerbaError, as_verba_error
from bridge.http.verba.idempotent_actions import answered_once
from bridge.http.verba.keep_call import keep_call
from bridge.http.verba.markers import add_marker, get_markers
from bridge.http.verba.media import get_media, get_media_encoded
from bridge.http.verba.mute_recording import mute_recording
from bridge.http.verba.parameters import Parameters
from bridge.http.verba.rendering import ResponseType, render
from bridge.http.verba.request import VerbaRequest, authenticated_request
from bridge.http.verba.request_token import request_token
from bridge.http.verba.search_calls import search_calls
from bridge.recordings.finder import ClientGone

log = structlog.get_logger()

_ROWS_ON_THE_LOOP = 20

_REQUEST_TOKEN = "RequestToken"  # noqa: S105 - an action, no token
_Action = Callable[[VerbaRequest], Awaitable[VerbaAnswer | web.StreamResponse]]
_ACTIONS: dict[str, _Action] = {
    "DeleteCall": delete_call,
    "GetCallInformation": get_call_information,
    "GetCallID": get_call_id,
    "SearchCalls": search_calls,
    "KeepCall": keep_call,
    "GetMedia": get_media,
    "GetMediaEncoded": get_media_encoded,
    "MuteRecording": mute_recording,
    "AddMarker": add_marker,
    "GetMarkers": get_markers,
    "AttachMetaData": attach_meta_data,
    "AttachMetadata": attach_meta_data,  # as the one public client spells it
}


async def api(http: web.Request) -> web.StreamResponse:
    """`GET`, `POST /verba/api`: check the key, run the action, render its answer or error."""
    response_type, action = ResponseType.XML, ""
    try:
        # From the query first, so that what is wrong with a form is said in the wanted form.
        response_type, action = _envelope(Parameters.of_query(http))
        parameters = await Parameters.of(http)
        response_type, action = _envelope(parameters)
        parameters.response_type()
        answer = await _answer(http, action, parameters)
    except ClientGone:
        return web.Response()  # nobody reads it
    except web.HTTPException:
        raise
    except Exception as fault:
        if has_begun(http) or (isinstance(fault, ConnectionError) and has_left(http)):
            raise  # there can be no answer of this API any more
        if isinstance(fault, InvalidPbxValue):
            log_pbx_value(http, fault)
        error = as_verba_error(fault)
        if error is None:
            log.exception("verba_request_failed", action=action)
            error = VerbaError(Code.UNEXPECTED_ERROR, "The service failed; see its log.")
        else:
            known = action if action in _ACTIONS or action == _REQUEST_TOKEN else "unknown"
            log_refusal(http, 200, str(error.code.value), error.message, action=known)
        answer = render(error_answer(action, error.code, error.message), response_type)
        answer.headers.update(error.headers)
        if FORWARDED in http:
            answer.headers[REFUSED_HEADER] = "1"
    if isinstance(answer, web.StreamResponse):
        return answer
    if sum(len(x.children) for x in answer.children) > _ROWS_ON_THE_LOOP:
        # a page of a search: in a thread it gives up the interpreter every few milliseconds
        return await asyncio.to_thread(render, answer, response_type)
    return render(answer, response_type)


def error_form(http: web.BaseRequest, error: UapiError) -> web.Response:
    """The Verba form of an error that is raised before the handler runs: HTTP's status, and the
    code of this API inside."""
    response_type, action = _envelope(Parameters.of_query(http))
    code = Code.INVALID_PARAMETERS if error.status < 500 else Code.UNEXPECTED_ERROR
    response = render(error_answer(action, code, error.message), response_type)
    response.set_status(error.status)
    response.headers.update(error.headers)
    return response


def add_routes(app: web.Application) -> None:
    add_places(app, app[SERVICES].settings.verba.downloads_max)
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
) -> VerbaAnswer | web.StreamResponse:
    if action == _REQUEST_TOKEN:
        return await request_token(http, action, parameters)
    parameters.required("action")
    handler = _ACTIONS.get(action)
    request = await authenticated_request(http, action, parameters, http.app[SERVICES].verba_access)
    if handler is None:
        raise VerbaError(Code.INVALID_ACTION, f"There is no action {action}.")
    return await answered_once(request, handler)
