"""The UnifiedAPI's routes: both prefixes, with and without the trailing slash, never a redirect."""

from __future__ import annotations

from aiohttp import web

from bridge.http.uapi.caller import authenticated
from bridge.http.uapi.create_simple import create_simple
from bridge.http.uapi.errors import UapiError
from bridge.http.uapi.phone_call_event_deliveries import list_deliveries, retry_delivery
from bridge.http.uapi.phone_call_events import (
    create_phone_call_event,
    delete_phone_call_events,
    list_phone_call_events,
    update_phone_call_event,
)
from bridge.http.uapi.phone_calls import hang_up_phone_calls, list_phone_calls

# aiohttp finds routes by the beginning that they spell out, and tries all others in turn.
_PREFIXES = ("/uapi", "/unifiedapi")
_SLASH = "{slash:/?}"
_REST = "{rest:(/.*)?}"


async def not_implemented(request: web.Request) -> web.Response:
    """A route that the UnifiedAPI has and this service does not (uapi.md §6)."""
    authenticated(request)
    raise UapiError(501, "request_not_implemented", "This request is not implemented.")


def add_routes(app: web.Application) -> None:
    for prefix in _PREFIXES:
        _add_phone_calls(app.router, prefix)
        _add_phone_call_events(app.router, prefix)
        of_extension = "extensions/{userId}/{extension}"
        for path in (
            f"{of_extension}/{{resource:presence|queue}}{_REST}",
            f"cdr{_REST}",
            f"faxes{_REST}",
        ):
            app.router.add_route("*", f"{prefix}/{path}", not_implemented)


def _add_phone_calls(router: web.UrlDispatcher, prefix: str) -> None:
    calls = f"{prefix}/phoneCalls/{{userId}}"
    extension = f"{calls}/{{extension}}"
    one_call = f"{extension}/{{phoneCallId}}"
    router.add_post(f"{calls}/simple{_SLASH}", create_simple)
    router.add_post(f"{calls}/{{kind:callback|conferenceInvite}}{_SLASH}", not_implemented)
    for path in (extension, one_call):
        router.add_get(path + _SLASH, list_phone_calls, allow_head=False)
        router.add_delete(path + _SLASH, hang_up_phone_calls)
    router.add_put(one_call + _SLASH, not_implemented)


def _add_phone_call_events(router: web.UrlDispatcher, prefix: str) -> None:
    events = f"{prefix}/extensions/{{userId}}/{{extension}}/phoneCallEvents"
    of_type = f"{events}/{{eventType}}"
    one = f"{of_type}/{{eventId}}"
    for path in (events, of_type):
        router.add_post(path + _SLASH, create_phone_call_event)
    for path in (events, of_type, one):
        router.add_get(path + _SLASH, list_phone_call_events, allow_head=False)
        router.add_delete(path + _SLASH, delete_phone_call_events)
    router.add_put(one + _SLASH, update_phone_call_event)
    router.add_get(f"{one}/deliveries{_SLASH}", list_deliveries, allow_head=False)
    router.add_post(f"{one}/deliveries/{{deliveryId}}/retry{_SLASH}", retry_delivery)
