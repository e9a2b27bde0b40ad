"""The UnifiedAPI's routes: both prefixes, with and without the trailing slash, never a redirect."""

from __future__ import annotations

from aiohttp import web

from bridge.http.errors import UapiError
from bridge.http.uapi.actions.routes import act_on_phone_calls
from bridge.http.uapi.cdr.cdr_routes import call_detail_sums, list_call_detail_records
from bridge.http.uapi.conferences.members import kick_member, list_members, mute_member
from bridge.http.uapi.create_simple import create_callback, create_conference_invite, create_simple
from bridge.http.uapi.phone_call_event_deliveries import list_deliveries, retry_delivery
from bridge.http.uapi.phone_call_event_routes import (
    create_phone_call_event,
    delete_phone_call_events,
    list_phone_call_events,
    update_phone_call_event,
)
from bridge.http.uapi.phone_call_event_secrets import replace_secret
from bridge.http.uapi.phone_call_event_tests import test_receiver
from bridge.http.uapi.phone_call_routes import hang_up_phone_calls, list_phone_calls
from bridge.http.uapi.presence import list_presence
from bridge.http.uapi.queue_agents import list_queue_agents, update_queue_agent
from bridge.http.uapi.queue_callers import list_queue_callers
from bridge.http.uapi.scope import authenticated_app
from bridge.http.uapi.status_secret import replace_status_secret
from bridge.http.uapi.stream.presence_stream import stream_presence
from bridge.http.uapi.stream.routes import stream_phone_calls
from bridge.http.uapi.timeline.routes import call_timeline

# aiohttp finds routes by the beginning that they spell out, and tries all others in turn.
_PREFIXES = ("/uapi", "/unifiedapi")
_SLASH = "{slash:/?}"
_REST = "{rest:(/.*)?}"
# The reserved names of create routes are not extensions, so `Allow` lists the right methods.
_EXTENSION = "{extension:(?!(?:simple|callback|conferenceInvite|statusSecret)/?$)[^/]+}"


async def faxes_not_implemented(request: web.Request) -> web.Response:
    """Faxes need modules of Asterisk that the shipped one does not load."""
    authenticated_app(request)
    raise UapiError(
        501,
        "request_not_implemented",
        "Faxes are not sent: that needs the modules res_fax.so and res_fax_spandsp.so of Asterisk, "
        "which this service does not use.",
    )


def add_routes(app: web.Application) -> None:
    for prefix in _PREFIXES:
        _add_phone_calls(app.router, prefix)
        _add_phone_call_events(app.router, prefix)
        _add_call_detail_records(app.router, prefix)
        _add_conferences(app.router, prefix)
        of_extension = "extensions/{userId}/{extension}"
        presence = f"{prefix}/{of_extension}/presence"
        app.router.add_get(presence + _SLASH, list_presence)
        app.router.add_get(f"{presence}/stream{_SLASH}", stream_presence)
        _add_queues(app.router, f"{prefix}/{of_extension}/queue")
        app.router.add_route("*", f"{prefix}/faxes{_REST}", faxes_not_implemented)


def _add_phone_calls(router: web.UrlDispatcher, prefix: str) -> None:
    calls = f"{prefix}/phoneCalls/{{userId}}"
    extension = f"{calls}/{_EXTENSION}"
    one_call = f"{extension}/{{phoneCallId}}"
    router.add_post(f"{calls}/simple{_SLASH}", create_simple)
    router.add_get(f"{extension}/stream{_SLASH}", stream_phone_calls)
    router.add_post(f"{calls}/callback{_SLASH}", create_callback)
    router.add_post(f"{calls}/conferenceInvite{_SLASH}", create_conference_invite)
    router.add_post(f"{calls}/statusSecret{_SLASH}", replace_status_secret)
    router.add_get(f"{one_call}/timeline{_SLASH}", call_timeline)
    for path in (extension, one_call):
        router.add_get(path + _SLASH, list_phone_calls)
        router.add_delete(path + _SLASH, hang_up_phone_calls)
        router.add_put(path + _SLASH, act_on_phone_calls)


def _add_queues(router: web.UrlDispatcher, queue: str) -> None:
    agents = f"{queue}/agents"
    router.add_get(agents + _SLASH, list_queue_agents)
    router.add_get(f"{agents}/{{agent}}{_SLASH}", list_queue_agents)
    router.add_put(f"{agents}/{{agent}}{_SLASH}", update_queue_agent)
    router.add_get(f"{queue}/callers{_SLASH}", list_queue_callers)


def _add_phone_call_events(router: web.UrlDispatcher, prefix: str) -> None:
    events = f"{prefix}/extensions/{{userId}}/{{extension}}/phoneCallEvents"
    of_type = f"{events}/{{eventType}}"
    one = f"{of_type}/{{eventId}}"
    for path in (events, of_type):
        router.add_post(path + _SLASH, create_phone_call_event)
    for path in (events, of_type, one):
        router.add_get(path + _SLASH, list_phone_call_events)
        router.add_delete(path + _SLASH, delete_phone_call_events)
        router.add_put(path + _SLASH, update_phone_call_event)
    router.add_post(f"{one}/secret{_SLASH}", replace_secret)
    router.add_post(f"{one}/test{_SLASH}", test_receiver)
    router.add_get(f"{one}/deliveries{_SLASH}", list_deliveries)
    router.add_post(f"{one}/deliveries/{{deliveryId}}/retry{_SLASH}", retry_delivery)


def _add_conferences(router: web.UrlDispatcher, prefix: str) -> None:
    members = f"{prefix}/extensions/{{userId}}/{{extension}}/conference/members"
    one = f"{members}/{{phoneCallId}}"
    router.add_get(members + _SLASH, list_members)
    router.add_put(one + _SLASH, mute_member)
    router.add_delete(one + _SLASH, kick_member)


def _add_call_detail_records(router: web.UrlDispatcher, prefix: str) -> None:
    records = f"{prefix}/cdr"
    for path in (f"{records}/stats", f"{records}/stats/{{userId}}"):
        router.add_get(path + _SLASH, call_detail_sums)
    for path in (records, f"{records}/{{userId:(?!stats/?$)[^/]+}}"):
        router.add_get(path + _SLASH, list_call_detail_records)
