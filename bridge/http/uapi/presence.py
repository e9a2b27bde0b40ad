"""GET /uapi/extensions/{userId}/{extension}/presence (docs/reference/uapi.md §8)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from aiohttp import web

from bridge.calls.state.presence import Presence, presence_in_calls
from bridge.directory.model import Extension
from bridge.http.context import SERVICES, Services
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
from bridge.http.uapi.queue_positions import QUEUES_ASKED_MAX, queue_state
from bridge.http.uapi.scope import scope_of
from bridge.supervision.tasks import awaited

PAGE_MAX = 200
"""Each phone of a page costs several questions to the PBX."""


async def list_presence(request: web.Request) -> web.Response:
    """A page of the extensions that the URI names, each with its status and registrations."""
    services, scope = request.app[SERVICES], scope_of(request)
    ignored = ignored_header(
        request, unknown_of(request.query, {*CURSOR_LIST_PARAMETERS, "fields"})
    )
    asked = Listing.parse(request.query, FILTERABLE, cursors_of="presence")
    listing = replace(asked, count=min(asked.count, PAGE_MAX))
    fields = requested_fields(request.query, PRESENCE_FIELDS)
    unattended = await _queues_without_agents(services, scope.extensions)
    all_ = [_presence(services, x, x.number in unattended) for x in scope.extensions]
    page, total = listing.page(all_, _position_of)
    last = _position_of(page[-1]) if listing.has_more(total) else None
    if fields is None or "registration" in fields:
        page = await _with_registrations(services, page)
    entry = [select(presence_json(x, scope.spelled), fields) for x in page]
    url = own_url(request)
    return json_answer(
        listing.envelope(entry, total, url),
        headers={**staleness(services), **ignored, **listing.next_header(last, url)},
    )


def _position_of(presence: ExtensionPresence) -> Position:
    return 0, presence.extension.number


async def _queues_without_agents(
    services: Services, extensions: Sequence[Extension]
) -> frozenset[str]:
    """The queues in which nobody can answer now. One that the PBX does not tell of is not."""
    found = set()
    for extension in [x for x in extensions if x.queue is not None][:QUEUES_ASKED_MAX]:
        state = await queue_state(services, extension)
        if state is not None and not any(x.available and not x.paused for x in state.members):
            found.add(extension.number)
    return frozenset(found)


def _presence(services: Services, extension: Extension, unattended: bool) -> ExtensionPresence:
    """Without the registrations, so without a question to the PBX."""
    if not services.pbx.link.up or unattended:
        return ExtensionPresence(extension, Presence.UNKNOWN)
    there = not extension.endpoint or services.pbx.reachable(extension.endpoint)
    alone = Presence.ONLINE if there else Presence.UNKNOWN
    if not extension.endpoint:
        return ExtensionPresence(extension, alone)
    calls = services.live_calls.meant((extension,))
    return ExtensionPresence(extension, presence_in_calls(calls, extension.number) or alone)


async def _with_registrations(
    services: Services, page: list[ExtensionPresence]
) -> list[ExtensionPresence]:
    ask = partial(_asked, services)
    return list(await asyncio.gather(*(awaited(ask(x), "registrations") for x in page)))


async def _asked(services: Services, one: ExtensionPresence) -> ExtensionPresence:
    if not one.extension.endpoint or not services.pbx.link.up:
        return one
    return replace(one, phones=await services.registrations.of(one.extension.endpoint))
