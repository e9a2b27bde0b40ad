"""The UnifiedAPI's routes: both prefixes, with and without the trailing slash, never a redirect."""

from __future__ import annotations

from aiohttp import web

from bridge.http.uapi.caller import authenticated
from bridge.http.uapi.create_simple import create_simple
from bridge.http.uapi.errors import UapiError
from bridge.http.uapi.phone_calls import hang_up_phone_calls, list_phone_calls

_PREFIX = "/{prefix:uapi|unifiedapi}"
_SLASH = "{slash:/?}"


async def not_implemented(request: web.Request) -> web.Response:
    """A route that the UnifiedAPI has and this service does not (uapi.md §6)."""
    authenticated(request)
    raise UapiError(501, "request_not_implemented", "This request is not implemented.")


def add_routes(app: web.Application) -> None:
    calls = f"{_PREFIX}/phoneCalls/{{userId}}"
    extension = f"{calls}/{{extension}}"
    one_call = f"{extension}/{{phoneCallId}}"
    router = app.router
    router.add_post(f"{calls}/simple{_SLASH}", create_simple)
    router.add_post(f"{calls}/{{kind:callback|conferenceInvite}}{_SLASH}", not_implemented)
    for path in (extension, one_call):
        router.add_get(path + _SLASH, list_phone_calls, allow_head=False)
        router.add_delete(path + _SLASH, hang_up_phone_calls)
    router.add_put(one_call + _SLASH, not_implemented)
    for path in ("extensions/{rest:.+}", "cdr/{rest:.+}", "faxes/{rest:.+}"):
        router.add_route("*", f"{_PREFIX}/{path}", not_implemented)
