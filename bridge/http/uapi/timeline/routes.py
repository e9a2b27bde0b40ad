"""GET /uapi/phoneCalls/{userId}/{extension}/{phoneCallId}/timeline (docs/timeline.md)."""

from __future__ import annotations

import re

from aiohttp import web

from bridge.calls.state.phone_call import PhoneCall
from bridge.calls.timeline.entry import Timeline, UnreadableTimeline, timeline_from_text
from bridge.clock import now_ms
from bridge.http.context import SERVICES, Services, node_of
from bridge.http.errors import invalid
from bridge.http.forwarded import ENDED
from bridge.http.json_answer import json_answer
from bridge.http.node_services import NodeServices
from bridge.http.uapi.fields import Json
from bridge.http.uapi.ignored_parameters import ignored_header, unknown_of
from bridge.http.uapi.phone_call_routes import staleness
from bridge.http.uapi.scope import Scope, scope_of
from bridge.http.uapi.timeline.timeline_json import timeline_json

_CALL_ID = re.compile(r"[A-Za-z0-9]{1,255}\Z")


async def call_timeline(request: web.Request) -> web.Response:
    """`GET`: the timeline of a live or ended call. The rights are those of the call."""
    ignored = ignored_header(request, unknown_of(request.query, ()))
    timeline = await timeline_of(request)
    stale = staleness(request)
    return json_answer(timeline, headers={**stale, **ignored})


async def timeline_of(request: web.Request) -> Json:
    """The timeline of the call of the URI. Raises pc_phoncall_invalid."""
    services, scope = request.app[SERVICES], scope_of(request)
    node = None if ENDED in request else node_of(request)
    call, timeline = await _asked(services, node, scope, request.match_info["phoneCallId"])
    numbers = [x.number for x in scope.extensions]
    attempts = await services.phone_call_events.attempts(call.id, numbers)
    return timeline_json(call, timeline, attempts, scope)


async def _asked(
    services: Services, node: NodeServices | None, scope: Scope, call_id: str
) -> tuple[PhoneCall, Timeline]:
    """`node` is None for an ended call.

    Raises pc_phoncall_invalid where a list of the extension would not show the call.
    """
    if node is not None:
        live = node.live_calls.meant(scope.extensions, call_id)
        if live and live[0].id == call_id:
            return live[0], node.switchboard.timelines.of(call_id) or Timeline()
    if _CALL_ID.match(call_id):
        text = await services.timelines.timeline(call_id)
        call = await services.records.find(call_id)
        if call is not None and _is_shown(services, scope, call):
            return call, _stored(text)
    raise invalid(
        "pc_phoncall_invalid",
        "phoneCallId must be alphanumeric and reference a phone call of this extension.",
    )


def _is_shown(services: Services, scope: Scope, call: PhoneCall) -> bool:
    if call.final is None or call.extensions.isdisjoint(x.number for x in scope.extensions):
        return False
    return call.final.at_ms >= now_ms() - services.settings.uapi.ended_calls_kept_s * 1000


def _stored(text: str | None) -> Timeline:
    try:
        return Timeline() if text is None else timeline_from_text(text)
    except UnreadableTimeline:  # of another version
        return Timeline()
