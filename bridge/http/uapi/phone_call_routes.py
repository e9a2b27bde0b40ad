"""GET and DELETE /uapi/phoneCalls/{userId}/{extension}[/{phoneCallId}].

docs/reference/uapi.md §1.4 has List, docs/reference/specification.md §1 has Delete.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import orjson
from aiohttp import web
from yarl import URL

from bridge.calls.state.phone_call import PhoneCall
from bridge.calls.store.ended_calls import CallFilter, CallPosition, EndedCalls, FilterOp
from bridge.clock import now_ms
from bridge.directory.number_spelling import bare_number
from bridge.http.base_url import base_url
from bridge.http.context import SERVICES, Services, node_of
from bridge.http.errors import invalid
from bridge.http.json_answer import json_answer, json_part
from bridge.http.uapi.collection import CURSOR_LIST_PARAMETERS, FilterField, Listing
from bridge.http.uapi.cursors import Position
from bridge.http.uapi.deleted_answer import deleted_answer
from bridge.http.uapi.fields import requested_fields, select
from bridge.http.uapi.ignored_parameters import ignored_header, refuse_misread, unknown_of
from bridge.http.uapi.listed_calls import (
    LISTED_CALLS,
    ListedCalls,
    calls_of_node,
    positions_of,
    stale_since_ms,
)
from bridge.http.uapi.phone_call_item import phone_call_item
from bridge.http.uapi.phone_call_json import (
    PHONE_CALL_FIELDS,
    date,
    moment_s,
)
from bridge.http.uapi.query_values import flag
from bridge.http.uapi.queue_positions import with_queue_position
from bridge.http.uapi.scope import Scope, scope_of
from bridge.supervision.fair_share import in_turns

_CALL_ID = re.compile(r"[A-Za-z0-9]{1,255}\Z")
_PHONE_NUMBER = re.compile(r"\+?[0-9]{1,32}\Z")
_DELETE_CODES = {"phoneNumber": "pc_phonenumber_invalid", "fields": "fields_invalid"}
_FILTERABLE: dict[str, FilterField[PhoneCall]] = {
    "id": FilterField(lambda x: x.id, lambda x: x.id, str),
    "published": FilterField(
        lambda x: date(x.published_ms) or "", lambda x: x.published_ms // 1000, moment_s
    ),
}


async def list_phone_calls(request: web.Request) -> web.Response:
    """`GET`: the live or ended calls of an extension."""
    services, scope = request.app[SERVICES], scope_of(request)
    known = {*CURSOR_LIST_PARAMETERS, "fields", "ended"}
    ignored = ignored_header(request, unknown_of(request.query, known))
    ended = flag(request.query.get("ended", "false"), "ended_invalid", "ended")
    kind = "ended" if ended else "live"
    listing = Listing.parse(request.query, _FILTERABLE, cursors_of=kind)
    fields = requested_fields(request.query, PHONE_CALL_FIELDS)
    base = base_url(request, services.settings.public_base_url)

    def shown(call: PhoneCall, queue_position: int | None) -> orjson.Fragment:
        item = phone_call_item(request, scope, call, base)
        item = with_queue_position(item, call, queue_position)
        return json_part(select(item, fields))

    if ended:
        page = await _ended(services, scope, request, listing, lambda x: shown(x, None))
    else:
        page = await _live(request, scope, listing, shown)
    url = URL(base + request.rel_url.raw_path_qs, encoded=True)
    link = listing.next_header(page.last, url)
    return json_answer(
        listing.envelope(page.entry, page.total, url),
        headers={**staleness(request), **ignored, **link},
    )


@dataclass(frozen=True, slots=True)
class _Page:
    """`last`: the position of the last call, None if no calls follow it."""

    entry: Sequence[orjson.Fragment]
    total: int
    last: Position | None


def position_of(call: PhoneCall) -> Position:
    """The place of a call in every list of calls."""
    return call.published_ms, call.id


async def hang_up_phone_calls(request: web.Request) -> web.Response:
    """`DELETE`: hang up the live calls that the request means."""
    scope, node = scope_of(request), node_of(request)
    # A misspelt phoneNumber would hang up all calls instead of one.
    refuse_misread(request.query, _DELETE_CODES)
    ignored = ignored_header(request, unknown_of(request.query, _DELETE_CODES))
    call_id, number = request.match_info.get("phoneCallId"), _phone_number(request)
    fields = requested_fields(request.query, PHONE_CALL_FIELDS)
    calls = node.live_calls.meant(scope.extensions, call_id, number)
    if call_id is not None and not calls:
        await _require_known(request, scope, call_id)
    certain = await node.hang_up.hang_up(calls, app=scope.app.client_id)
    if fields is None:
        return deleted_answer(request, [{"id": x.id} for x in certain], ignored)
    base = base_url(request, request.app[SERVICES].settings.public_base_url)
    items = (phone_call_item(request, scope, x, base) for x in certain)
    return deleted_answer(request, [select(x, fields) for x in items], ignored)


async def _live(
    request: web.Request,
    scope: Scope,
    listing: Listing[PhoneCall],
    shown: Callable[[PhoneCall, int | None], orjson.Fragment],
) -> _Page:
    """Of the node of the request, or as they were gathered from several."""
    listed = request.get(LISTED_CALLS)
    calls = calls_of_node(request, scope) if listed is None else listed.calls
    some, total = listing.page(calls, position_of)
    positions = await positions_of(request, some) if listed is None else listed.positions
    entry = await in_turns(some, lambda x: shown(x, positions.get(x.id)))
    return _Page(entry, total, position_of(some[-1]) if listing.has_more(total) else None)


async def _ended(
    services: Services,
    scope: Scope,
    request: web.Request,
    listing: Listing[PhoneCall],
    shown: Callable[[PhoneCall], orjson.Fragment],
) -> _Page:
    """The page: filtered, ordered and counted by the database."""
    call_id = request.match_info.get("phoneCallId")
    if call_id is not None and not _CALL_ID.match(call_id):
        return _Page([], 0, None)
    asked = EndedCalls(
        [x.number for x in scope.extensions],
        now_ms() - services.settings.uapi.ended_calls_kept_s * 1000,
        call_id=call_id,
        filter=_call_filter(listing),
        descending=listing.descending,
        start=listing.start,
        count=listing.count,
    )
    if listing.by_cursor:
        after = None if listing.after is None else CallPosition(*listing.after)
        entry, last = await services.call_details.ended_after(asked, after, shown)
        return _Page(entry, 0, None if last is None else (last.published_ms, last.call_id))
    found, total = await services.records.ended(asked, lambda x: (position_of(x), shown(x)))
    end = found[-1][0] if found and listing.has_more(total) else None
    return _Page([x for _, x in found], total, end)


def _call_filter(listing: Listing[PhoneCall]) -> CallFilter | None:
    if listing.filter is None:
        return None
    by, op = listing.filter.by, listing.filter.op
    values = tuple(x if isinstance(x, str) else int(x) for x in listing.filter.values)
    return CallFilter(cast("Literal['id', 'published']", by), cast("FilterOp", op), values)


def staleness(request: web.Request) -> dict[str, str]:
    """Since when the data may be old, while the PBX cannot be heard."""
    listed = request.get(LISTED_CALLS) or ListedCalls((), {}, stale_since_ms(request))
    return listed.headers


def _phone_number(request: web.Request) -> str | None:
    number = request.query.get("phoneNumber")
    if number is not None and number.startswith(" "):
        number = "+" + number[1:]  # a + that the client has not escaped
    number = None if number is None else bare_number(number)
    if number is not None and not _PHONE_NUMBER.match(number):
        raise invalid(
            "pc_phonenumber_invalid", "phoneNumber must be digits, with an optional + in front."
        )
    return number


async def _require_known(request: web.Request, scope: Scope, call_id: str) -> None:
    """A call that has just ended is nothing to hang up; an id that never was is an error."""
    if node_of(request).live_calls.meant(scope.extensions, call_id):
        return  # it lives, without a party of the phoneNumber that was asked for
    if _CALL_ID.match(call_id):
        call = await request.app[SERVICES].records.find(call_id)
        if call is not None and call.extensions & {x.number for x in scope.extensions}:
            return
    raise invalid(
        "pc_phoncall_invalid",
        "phoneCallId must be alphanumeric and reference a phone call of this extension.",
    )
