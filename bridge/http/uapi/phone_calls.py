"""GET and DELETE /uapi/phoneCalls/{userId}/{extension}[/{phoneCallId}] (uapi.md §1.4, spec/000)."""

from __future__ import annotations

import re

from aiohttp import web
from yarl import URL

from bridge.calls.call_views import concerns, has_party
from bridge.calls.phone_call import PhoneCall
from bridge.calls.switchboard import now_ms
from bridge.directory.ownership import SELF
from bridge.http.base_url import base_url
from bridge.http.context import SERVICES, Services
from bridge.http.uapi.caller import Scope, scope_of
from bridge.http.uapi.collection import FilterField, Listing
from bridge.http.uapi.errors import invalid
from bridge.http.uapi.fields import Json, requested_fields, select
from bridge.http.uapi.json_answer import json_answer
from bridge.http.uapi.phone_call_json import (
    PHONE_CALL_FIELDS,
    date,
    moment_s,
    phone_call_json,
)
from bridge.http.uapi.query_values import flag

_CALL_ID = re.compile(r"[A-Za-z0-9]{1,255}\Z")
_PHONE_NUMBER = re.compile(r"\+?[0-9]{1,32}\Z")
_FILTERABLE: dict[str, FilterField[PhoneCall]] = {
    "id": FilterField(lambda x: x.id, lambda x: x.id, str),
    "published": FilterField(
        lambda x: date(x.published_ms) or "", lambda x: x.published_ms // 1000, moment_s
    ),
}


async def list_phone_calls(request: web.Request) -> web.Response:
    services, scope = request.app[SERVICES], scope_of(request)
    listing = Listing.parse(request.query, _FILTERABLE)
    fields = requested_fields(request.query, PHONE_CALL_FIELDS)
    calls = await _calls(services, scope, request)
    page, total = listing.page(calls, lambda x: (x.published_ms, x.id))
    base = base_url(request, services.settings.public_base_url)
    entry = [select(_item(services, scope, x, base, request), fields) for x in page]
    return json_answer(
        listing.envelope(entry, total, URL(base + request.rel_url.raw_path_qs, encoded=True)),
        headers=_staleness(services),
    )


async def hang_up_phone_calls(request: web.Request) -> web.Response:
    services, scope = request.app[SERVICES], scope_of(request)
    call_id, number = request.match_info.get("phoneCallId"), _phone_number(request)
    fields = requested_fields(request.query, PHONE_CALL_FIELDS)
    calls = live_calls(services, scope, call_id)
    if call_id is not None and not calls:
        await _require_known(services, scope, call_id)
    if number is not None:
        meant = _extensions_meant(services, scope, number)
        calls = [x for x in calls if has_party(x, number, meant)]
    certain = await services.hang_up.hang_up(calls)
    if not certain:
        return web.Response(status=204)
    if fields is None:
        return json_answer([{"id": x.id} for x in certain])
    base = base_url(request, services.settings.public_base_url)
    items = (_item(services, scope, x, base, request) for x in certain)
    return json_answer([select(x, fields) for x in items])


def live_calls(services: Services, scope: Scope, call_id: str | None) -> list[PhoneCall]:
    """The live calls of the scope's extensions, or the one with that id if it is among them."""
    live = services.switchboard.calls.live
    if call_id is not None:
        call = live.get(call_id)
        numbers = [x.number for x in scope.extensions]
        return [call] if call is not None and any(concerns(call, x) for x in numbers) else []
    found = {
        call.id: call
        for extension in scope.extensions
        for call in live.of_extension(extension.number)
        if concerns(call, extension.number)
    }
    return list(found.values())


def _extensions_meant(services: Services, scope: Scope, number: str) -> set[str]:
    """Those that a short or public number names, as the user of the URI would dial it."""
    digits = number.removeprefix("+")
    owner = services.directory.directory.extensions_by_public_number.get(digits)
    return {f"{scope.user.organization}*{digits}"} | ({owner.number} if owner else set())


async def _calls(services: Services, scope: Scope, request: web.Request) -> list[PhoneCall]:
    call_id = request.match_info.get("phoneCallId")
    if not flag(request.query.get("ended", "false"), "ended_invalid", "ended"):
        return live_calls(services, scope, call_id)
    if call_id is not None and not _CALL_ID.match(call_id):
        return []
    since = now_ms() - services.settings.ended_calls_kept_s * 1000
    return await services.records.ended(
        [x.number for x in scope.extensions], since, call_id=call_id
    )


def _item(
    services: Services, scope: Scope, call: PhoneCall, base: str, request: web.Request
) -> Json:
    user, extension = request.match_info["userId"], _extension_in_link(call, scope)
    self_url = f"{base}/uapi/phoneCalls/{user}/{extension}/{call.id}"
    # The one that pays, whoever looks (spec/003, step 4).
    payer = call.organization or scope.user.organization
    organization = services.directory.directory.organizations.get(payer)
    owner: Json = {}
    if organization is not None:
        owner = {"ownerId": str(organization.id), "ownerName": organization.name}
    return phone_call_json(call, scope, owner, self_url)


def _extension_in_link(call: PhoneCall, scope: Scope) -> str:
    """One that this caller may ask for: another user may pay the call that it takes part in."""
    mine = [x.number for x in scope.extensions if x.number in call.extensions]
    if scope.spelled != SELF or not mine:
        return scope.spelled
    return call.extension if call.extension in mine else mine[0]


def _staleness(services: Services) -> dict[str, str]:
    """Since when the data may be old, while the PBX cannot be heard."""
    link = services.pbx.link
    return {} if link.up else {"X-Stale-Since": date(link.since_ms) or ""}


def _phone_number(request: web.Request) -> str | None:
    number = request.query.get("phoneNumber")
    if number is not None and number.startswith(" "):
        number = "+" + number[1:]  # a + that the client has not escaped
    if number is not None and not _PHONE_NUMBER.match(number):
        raise invalid(
            "pc_phonenumber_invalid", "phoneNumber must be digits, with an optional + in front."
        )
    return number


async def _require_known(services: Services, scope: Scope, call_id: str) -> None:
    """A call that has just ended is nothing to hang up; an id that never was is an error."""
    if _CALL_ID.match(call_id):
        call = await services.records.find(call_id)
        if call is not None and call.extensions & {x.number for x in scope.extensions}:
            return
    raise invalid(
        "pc_phoncall_invalid",
        "phoneCallId must be alphanumeric and reference a phone call of this extension.",
    )
