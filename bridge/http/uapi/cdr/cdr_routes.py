"""GET /uapi/cdr[/{userId}] and GET /uapi/cdr/stats[/{userId}] (docs/reference/uapi.md §8)."""

from __future__ import annotations

import orjson
from aiohttp import web
from yarl import URL

from bridge.calls.state.phone_call import PhoneCall
from bridge.calls.store.call_detail import CallDetailQuestion
from bridge.calls.store.ended_calls import CallPosition
from bridge.clock import now_ms
from bridge.http.base_url import base_url
from bridge.http.context import SERVICES
from bridge.http.json_answer import json_answer, json_part
from bridge.http.uapi.call_owner import owner_of
from bridge.http.uapi.cdr.cdr_json import CDR_FIELDS, record_json, sums_json
from bridge.http.uapi.cdr.cdr_request import known_parameters, listing_of, question_of
from bridge.http.uapi.cdr.cdr_scope import CdrScope, cdr_scope_of
from bridge.http.uapi.collection import Listing
from bridge.http.uapi.cursors import Position
from bridge.http.uapi.fields import Json, requested_fields
from bridge.http.uapi.ignored_parameters import ignored_header, unknown_of

_Shown = tuple[Position, orjson.Fragment | None]
"""The place of a call, and its record; None for a record that the app may not see."""


async def list_call_detail_records(request: web.Request) -> web.Response:
    """`GET /cdr`: the ended calls, as an object with one entry for each call, by its id."""
    services, scope = request.app[SERVICES], cdr_scope_of(request)
    ignored = _ignored(request)
    listing, asked = _asked(request, scope)
    fields = requested_fields(request.query, CDR_FIELDS)
    base = base_url(request, services.settings.public_base_url)

    def shown(call: PhoneCall) -> _Shown:
        record = _record(request, scope, call, base, fields)
        return (call.published_ms, call.id), None if record is None else json_part(record)

    url = URL(base + request.rel_url.raw_path_qs, encoded=True)
    details = services.call_details
    if listing.by_cursor:
        after = None if listing.after is None else CallPosition(*listing.after)
        records, end = await details.detail_records_after(asked, after, shown)
        last, total = None if end is None else (end.published_ms, end.call_id), 0
        counted: Json = {}
    else:
        records, sums = await details.detail_records(asked, shown)
        total, counted = sum(x.calls for x in sums), {"phoneCallStat": sums_json(sums)}
        last = records[-1][0] if records and listing.has_more(total) else None
    entry: Json = {call_id: record for (_, call_id), record in records if record is not None}
    body = {**listing.envelope(entry, total, url), **counted}
    return json_answer(body, headers={**ignored, **listing.next_header(last, url)})


async def call_detail_sums(request: web.Request) -> web.Response:
    """`GET /cdr/stats`: how many calls came in and went out, by disposition."""
    services, scope = request.app[SERVICES], cdr_scope_of(request)
    ignored = _ignored(request)
    _, asked = _asked(request, scope)
    stats = sums_json(await services.call_details.call_sums(asked))
    body = {"entry": stats, "totalResults": 2, "itemsPerPage": 2, "startIndex": 0}
    return json_answer(body, headers=ignored)


def _asked(request: web.Request, scope: CdrScope) -> tuple[Listing[PhoneCall], CallDetailQuestion]:
    kept_s = request.app[SERVICES].settings.uapi.ended_calls_kept_s
    listing = listing_of(request.query)
    return listing, question_of(request.query, listing, scope, now_ms() - kept_s * 1000)


def _record(
    request: web.Request,
    scope: CdrScope,
    call: PhoneCall,
    base: str,
    fields: frozenset[str] | None,
) -> Json | None:
    reader = scope.reader_of(call)
    if reader is None:
        return None
    user = request.match_info.get("userId", str(reader.user.id))
    self_url = f"{base}/uapi/phoneCalls/{user}/{reader.extensions[0].number}/{call.id}"
    owner = owner_of(scope.directory, call, reader.user)
    return record_json(call, reader, owner, self_url, fields)


def _ignored(request: web.Request) -> dict[str, str]:
    return ignored_header(request, unknown_of(request.query, known_parameters()))
