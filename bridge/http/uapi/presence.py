"""GET /uapi/extensions/{userId}/{extension}/presence (docs/reference/uapi.md §8)."""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from bridge.http.context import node_of
from bridge.http.json_answer import json_answer
from bridge.http.uapi.collection import CURSOR_LIST_PARAMETERS, Listing
from bridge.http.uapi.cursors import Position
from bridge.http.uapi.fields import requested_fields, select
from bridge.http.uapi.ignored_parameters import ignored_header, unknown_of
from bridge.http.uapi.phone_call_event_routes import own_url
from bridge.http.uapi.phone_call_routes import staleness
from bridge.http.uapi.presence_json import (
    FILTERABLE,
    PRESENCE_FIELDS,
    ExtensionPresence,
    presence_json,
)
from bridge.http.uapi.presence_now import (
    PAGE_MAX,
    presence_of,
    queues_without_agents,
    with_registrations,
)
from bridge.http.uapi.scope import scope_of


async def list_presence(request: web.Request) -> web.Response:
    """A page of the extensions that the URI names, each with its status and registrations."""
    scope, node = scope_of(request), node_of(request)
    ignored = ignored_header(
        request, unknown_of(request.query, {*CURSOR_LIST_PARAMETERS, "fields"})
    )
    asked = Listing.parse(request.query, FILTERABLE, cursors_of="presence")
    listing = replace(asked, count=min(asked.count, PAGE_MAX))
    fields = requested_fields(request.query, PRESENCE_FIELDS)
    unattended = await queues_without_agents(node, scope.extensions)
    all_ = [presence_of(node, x, x.number in unattended) for x in scope.extensions]
    page, total = listing.page(all_, _position_of)
    last = _position_of(page[-1]) if listing.has_more(total) else None
    if fields is None or "registration" in fields:
        page = await with_registrations(node, page)
    entry = [select(presence_json(x, scope.spelled), fields) for x in page]
    url = own_url(request)
    return json_answer(
        listing.envelope(entry, total, url),
        headers={**staleness(request), **ignored, **listing.next_header(last, url)},
    )


def _position_of(presence: ExtensionPresence) -> Position:
    return 0, presence.extension.number
