"""GET /uapi/extensions/{userId}/{queue}/queue/callers: who waits in a queue. It is ours."""

from __future__ import annotations

from aiohttp import web

from bridge.calls.state.phone_call import PhoneCall
from bridge.clock import now_ms
from bridge.http.base_url import base_url
from bridge.http.context import SERVICES, node_of
from bridge.http.json_answer import json_answer
from bridge.http.uapi.collection import LIST_PARAMETERS, FilterField, FilterFields, Listing
from bridge.http.uapi.fields import Json, requested_fields, select
from bridge.http.uapi.ignored_parameters import ignored_header, unknown_of
from bridge.http.uapi.phone_call_event_routes import own_url
from bridge.http.uapi.phone_call_json import date, without_nulls
from bridge.http.uapi.queue_agents import queue_of
from bridge.queues.queue_pbx import WaitingCaller

QUEUE_CALLER_FIELDS = frozenset({"position", "phoneCallId", "callerId", "since", "links"})
_FILTERABLE: FilterFields[WaitingCaller] = {
    "position": FilterField(lambda x: str(x.position), lambda x: x.position, int),
}


async def list_queue_callers(request: web.Request) -> web.Response:
    """`GET`: the callers that no agent has answered yet, in their order."""
    node, queue = node_of(request), queue_of(request)
    ignored = ignored_header(request, unknown_of(request.query, {*LIST_PARAMETERS, "fields"}))
    listing = Listing.parse(request.query, _FILTERABLE)
    fields = requested_fields(request.query, QUEUE_CALLER_FIELDS)
    waiting = (await node.queue_agents.state(queue)).callers
    calls = {channel: call for call in node.live_calls.meant((queue,)) for channel in call.channels}
    page, total = listing.page(waiting, lambda x: (x.position, x.uniqueid))
    entry = [select(_item(request, x, calls.get(x.uniqueid)), fields) for x in page]
    return json_answer(listing.envelope(entry, total, own_url(request)), headers=ignored)


def _item(request: web.Request, caller: WaitingCaller, call: PhoneCall | None) -> Json:
    base = base_url(request, request.app[SERVICES].settings.public_base_url)
    user, queue = request.match_info["userId"], request.match_info["extension"]
    link = None if call is None else f"{base}/uapi/phoneCalls/{user}/{queue}/{call.id}"
    name = f"{caller.caller_name} <{caller.caller_number}>".lstrip()
    return without_nulls(
        {
            "position": caller.position,
            "phoneCallId": None if call is None else call.id,
            "callerId": name if caller.caller_number else None,
            "since": date(now_ms() - caller.waits_s * 1000),
            "links": None if link is None else {"self": link},
        }
    )
