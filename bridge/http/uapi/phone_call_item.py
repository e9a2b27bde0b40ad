"""A PhoneCall as one answer shows it: with its owner, and the link that leads to it."""

from __future__ import annotations

from aiohttp import web

from bridge.calls.state.phone_call import PhoneCall
from bridge.directory.ownership import SELF
from bridge.http.context import SERVICES
from bridge.http.uapi.call_owner import owner_of
from bridge.http.uapi.fields import Json
from bridge.http.uapi.phone_call_json import phone_call_json
from bridge.http.uapi.scope import Scope


def phone_call_item(request: web.Request, scope: Scope, call: PhoneCall, base: str) -> Json:
    """The call as this request's caller sees it. `base`: the URL of this service (`base_url`)."""
    services = request.app[SERVICES]
    user, extension = _owner_in_link(request, scope, call), _extension_in_link(call, scope)
    self_url = f"{base}/uapi/phoneCalls/{user}/{extension}/{call.id}"
    owner = owner_of(services.directory.directory, call, scope.user)
    return phone_call_json(call, scope, owner, self_url)


def _is_of(call: PhoneCall, scope: Scope) -> bool:
    return any(x.number in call.extensions for x in scope.extensions)


def _owner_in_link(request: web.Request, scope: Scope, call: PhoneCall) -> str:
    """As the request names the user, unless an action made a call for the phone of another."""
    if _is_of(call, scope) or call.user_id is None:
        return request.match_info["userId"]
    return str(call.user_id)


def _extension_in_link(call: PhoneCall, scope: Scope) -> str:
    """One that this caller may ask for: another user may pay the call that it takes part in."""
    if not _is_of(call, scope) and call.extension is not None:
        return call.extension
    mine = [x.number for x in scope.extensions if x.number in call.extensions]
    if scope.spelled != SELF or not mine:
        return scope.spelled
    return call.extension if call.extension in mine else mine[0]
