"""PUT /uapi/phoneCalls/{userId}/{extension}[/{phoneCallId}]: an action on live calls.

The answer comes when the PBX has done it, or says what happened instead. `docs/actions.md` has the
actions for users.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from aiohttp import web

from bridge.calls.state.phone_call import PhoneCall
from bridge.http.base_url import base_url
from bridge.http.body import body_of
from bridge.http.context import SERVICES, node_of
from bridge.http.errors import invalid
from bridge.http.json_answer import json_answer
from bridge.http.json_body import json_object
from bridge.http.uapi.actions.actions import ACTIONS, Action, Handler
from bridge.http.uapi.actions.request import ActionRequest
from bridge.http.uapi.call_limits import tell_call_limits
from bridge.http.uapi.fields import requested_fields, select
from bridge.http.uapi.ignored_parameters import ignored_header, refuse_misnamed, unknown_of
from bridge.http.uapi.phone_call_item import phone_call_item
from bridge.http.uapi.phone_call_json import PHONE_CALL_FIELDS
from bridge.http.uapi.scope import authenticated_app, scope_of
from bridge.supervision.tasks import carried_through


async def act_on_phone_calls(request: web.Request) -> web.Response:
    """`PUT`: carry out the action of the body on the live calls that the URI means."""
    scope = scope_of(request)
    body = json_object(await body_of(request))
    action = _action_of(body)
    refuse_misnamed(body, {**action.fields, "action": "pc_action_invalid"})
    unknown = unknown_of(body, {*action.fields, "action"})
    unknown += unknown_of(request.query, {"fields"})
    headers = ignored_header(request, unknown)
    fields = requested_fields(request.query, PHONE_CALL_FIELDS)
    call_id = request.match_info.get("phoneCallId")
    _, requester = authenticated_app(request)
    services, node = request.app[SERVICES], node_of(request)
    tell = partial(tell_call_limits, request, node)
    order = ActionRequest(services, node, scope, requester, call_id, body, tell)
    # If the client leaves, the action goes on: a call is not left in the middle of one.
    calls = await carried_through(_run(action.handler, order), "phone_call_action")
    if not calls:
        return web.Response(status=204, headers=headers)
    base = base_url(request, services.settings.public_base_url)
    items = [select(phone_call_item(request, scope, x, base), fields) for x in calls]
    one = call_id is not None and not action.lists
    return json_answer(items[0] if one else items, headers=headers)


async def _run(handler: Handler, order: ActionRequest) -> list[PhoneCall]:
    return list(await handler(order))


def _action_of(body: Mapping[str, object]) -> Action:
    """Raises 400 pc_action_invalid."""
    name = body.get("action")
    action = ACTIONS.get(name) if isinstance(name, str) else None
    if action is None:
        raise invalid("pc_action_invalid", f"action must be one of: {', '.join(ACTIONS)}.")
    return action
