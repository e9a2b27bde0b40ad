"""Ours: GET, PUT and DELETE /uapi/extensions/{userId}/{extension}/conference/members."""

from __future__ import annotations

from aiohttp import web
from yarl import URL

from bridge.calls.steering.conferences import Member
from bridge.directory.model import Extension, ExtensionType
from bridge.http.base_url import base_url
from bridge.http.body import body_of
from bridge.http.context import SERVICES, node_of
from bridge.http.errors import invalid
from bridge.http.json_answer import json_answer
from bridge.http.json_body import json_object
from bridge.http.uapi.collection import LIST_PARAMETERS, Listing
from bridge.http.uapi.fields import Json
from bridge.http.uapi.ignored_parameters import ignored_header, refuse_misnamed, unknown_of
from bridge.http.uapi.phone_call_json import date, without_nulls
from bridge.http.uapi.query_values import flag
from bridge.http.uapi.scope import scope_of


async def list_members(request: web.Request) -> web.Response:
    """`GET`: the members, as a collection."""
    extension, listing = _conference(request), Listing[Member].parse(request.query, {})
    known = {*LIST_PARAMETERS, "number"}
    ignored = ignored_header(request, unknown_of(request.query, known))
    members = await node_of(request).conferences.members(extension)
    number = request.query.get("number")
    wanted = [x for x in members if number is None or x.number == number]
    page, total = listing.page(wanted, lambda x: (x.call.published_ms, x.call.id))
    base = base_url(request, request.app[SERVICES].settings.public_base_url)
    url = URL(base + request.rel_url.raw_path_qs, encoded=True)
    return json_answer(
        listing.envelope([_member_json(x, request) for x in page], total, url),
        headers=ignored,
    )


async def mute_member(request: web.Request) -> web.Response:
    """`PUT`: the others hear the member no longer, or again."""
    extension, body = _conference(request), json_object(await body_of(request))
    refuse_misnamed(body, {"muted": "conference_muted_invalid"})
    muted = flag(str(body.get("muted", "")), "conference_muted_invalid", "muted")
    unknown = [*unknown_of(request.query, ()), *unknown_of(body, {"muted"})]
    ignored = ignored_header(request, unknown)
    conferences = node_of(request).conferences
    member = await conferences.mute(extension, request.match_info["phoneCallId"], muted=muted)
    return json_answer(_member_json(member, request), headers=ignored)


async def kick_member(request: web.Request) -> web.Response:
    """`DELETE`: the call of the member ends."""
    extension, call_id = _conference(request), request.match_info["phoneCallId"]
    ignored = ignored_header(request, unknown_of(request.query, ()))
    member = await node_of(request).conferences.kick(extension, call_id)
    return json_answer([{"phoneCallId": member.call.id}], headers=ignored)


def _conference(request: web.Request) -> Extension:
    """Raises extension_invalid for another type of extension, and for @self."""
    scope = scope_of(request)
    if len(scope.extensions) != 1 or scope.extensions[0].type is not ExtensionType.CONFERENCE:
        raise invalid("extension_invalid", "extension must be one Conference extension.")
    return scope.extensions[0]


def _member_json(member: Member, request: web.Request) -> Json:
    user, extension = request.match_info["userId"], request.match_info["extension"]
    base = base_url(request, request.app[SERVICES].settings.public_base_url)
    of_member = f"{base}/uapi/extensions/{user}/{extension}/conference/members/{member.call.id}"
    return without_nulls(
        {
            "phoneCallId": member.call.id,
            "party": member.leg.number,
            "extension": member.leg.extension,
            "number": member.number or None,
            "answered": date(member.leg.answered_ms),
            "muted": 1 if member.in_room.muted else 0,
            "links": {"self": of_member},
        }
    )
