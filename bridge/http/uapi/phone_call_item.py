"""A PhoneCall as one answer shows it: with its owner, and the link that leads to it."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from bridge.calls.state.phone_call import PhoneCall
from bridge.directory.ownership import SELF
from bridge.http.context import SERVICES
from bridge.http.uapi.call_owner import owner_of
from bridge.http.uapi.fields import Json
from bridge.http.uapi.phone_call_json import phone_call_json
from bridge.http.uapi.scope import Scope


def phone_call_item(
    request: web.Request, scope: Scope, call: PhoneCall, base: str, user_in_uri: str = ""
) -> Json:
    """The call as this request's caller sees it. `base`: the URL of this service (`base_url`).

    `user_in_uri`: of the link to the call; empty: as the request names the user.
    """
    services = request.app[SERVICES]
    mine = [x for x in call.extensions if x in scope.places]
    named = user_in_uri or request.match_info["userId"]
    user, extension = _owner_in_link(named, mine, call), _extension_in_link(call, scope, mine)
    self_url = f"{base}/uapi/phoneCalls/{user}/{extension}/{call.id}"
    owner = owner_of(services.directory.directory, call, scope.user)
    return phone_call_json(call, scope, owner, self_url)


def _owner_in_link(named: str, mine: Sequence[str], call: PhoneCall) -> str:
    """As the request names the user, unless an action made a call for the phone of another."""
    if mine or call.user_id is None:
        return named
    return str(call.user_id)


def _extension_in_link(call: PhoneCall, scope: Scope, mine: Sequence[str]) -> str:
    """One that this caller may ask for: another user may pay the call that it takes part in."""
    if not mine:
        return scope.spelled if call.extension is None else call.extension
    if scope.spelled != SELF:
        return scope.spelled
    if call.extension is not None and call.extension in scope.places:
        return call.extension
    return min(mine, key=scope.places.__getitem__)
