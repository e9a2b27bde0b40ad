"""Parses and checks the URI and the body of a PhoneCallEvent request.

Numbers come as JSON numbers and as strings (docs/reference/uapi.md §3).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from aiohttp import web

from bridge.clock import now_ms
from bridge.directory.errors import ExtensionInvalid
from bridge.directory.numbers import find_extension
from bridge.http.context import SERVICES, Services
from bridge.http.errors import UapiError, invalid
from bridge.http.uapi.scope import Scope, authenticated_app, scope_of
from bridge.phone_call_events.subscription import (
    BodyFormat,
    EventType,
    Method,
    Subscription,
    new_secret,
    new_subscription_id,
)
from bridge.phone_call_events.url_rules import UrlInvalid, check_url

EventTypes = tuple[EventType, ...]
"""In the order of their numbers."""

NOTE_MAX_CHARS = 255
_MAX_DIGITS = 9
_EVENT_ID = re.compile(r"[A-Za-z0-9]{1,255}\Z")


@dataclass(frozen=True, slots=True)
class EventScope:
    """The one extension that the URI names."""

    services: Services
    scope: Scope
    extension: str


def event_scope_of(request: web.Request) -> EventScope:
    """The one extension that the URI names, with its app and user.

    Raises user_invalid, extension_invalid, pce_access_denied.
    """
    try:
        scope = scope_of(request)
    except ExtensionInvalid:
        if _of_a_colleague(request):
            raise invalid(
                "pce_access_denied", "You are not allowed to manage the phone call events."
            ) from None
        raise
    if len(scope.extensions) != 1 or scope.spelled == "@self":
        raise invalid(
            "extension_invalid",
            "extension must reference the number of an existing extension and cannot be set to "
            "@self.",
        )
    return EventScope(request.app[SERVICES], scope, scope.extensions[0].number)


def _of_a_colleague(request: web.Request) -> bool:
    """Whether the extension exists where the app may call it, but belongs to somebody else."""
    _, requester = authenticated_app(request)
    return find_extension(requester, request.match_info["extension"]) is not None


def types_in_uri(request: web.Request, code: str = "pce_type_invalid") -> EventTypes | None:
    """None where the URI has none. Raises 400 with `code`."""
    text = request.match_info.get("eventType")
    return None if text is None else event_types(text, code)


def named_by(request: web.Request, scope: EventScope) -> list[Subscription]:
    """The subscriptions that the URI names: all of the extension, those with one type, or one.

    Of several types in the URI each has to be a type of the subscription.
    Raises pce_type_invalid, pce_id_invalid.
    """
    found = scope.services.phone_call_events.of_extension(scope.extension)
    # Old pages of the vendor write the URI without the type.
    without_type = [x for x in found if x.id == request.match_info.get("eventType")]
    if without_type and "eventId" not in request.match_info:
        return without_type
    wanted, event_id = types_in_uri(request), request.match_info.get("eventId")
    if wanted is not None:
        found = [x for x in found if set(wanted) <= set(x.types)]
    if event_id is None:
        return found
    found = [x for x in found if x.id == event_id]
    if not _EVENT_ID.match(event_id) or not found:
        raise no_such_event()
    return found


def one_named_by(request: web.Request, scope: EventScope) -> Subscription:
    """The one that the URI names by its id. Raises pce_type_invalid, pce_id_invalid."""
    found = named_by(request, scope)
    event_id = request.match_info.get("eventId", request.match_info.get("eventType"))
    if len(found) != 1 or found[0].id != event_id:
        raise no_such_event()
    return found[0]


def no_such_event() -> UapiError:
    """The error for an id that is unknown, or of another extension."""
    return invalid(
        "pce_id_invalid",
        "eventId must be alphanumeric and reference an existing phone call event of this "
        "extension.",
    )


def new_event(
    scope: EventScope, in_uri: EventTypes | None, body: Mapping[str, object]
) -> Subscription:
    """The subscription that the body orders; `in_uri`: the types in the URI.

    Raises pcet_type_invalid, pce_method_invalid, pce_url_invalid, pce_status_invalid,
    pce_note_invalid, pce_format_invalid.
    """
    in_body = body.get("type")
    wanted = in_uri if in_body is None else event_types(in_body, "pcet_type_invalid")
    if wanted is None or in_uri not in (None, wanted):
        raise invalid("pcet_type_invalid", "type is missing, or differs from the one in the URI.")
    subscription = Subscription(
        id=new_subscription_id(),
        extension=scope.extension,
        types=wanted,
        url="",
        method=Method.GET,
        enabled=True,
        note="",
        secret=new_secret(),
        client_id=scope.scope.app.client_id,
        modified_ms=0,
    )
    return changed(scope, subscription, {**body, "url": body.get("url") or ""})


def changed(
    scope: EventScope, subscription: Subscription, body: Mapping[str, object]
) -> Subscription:
    """As the body wants it; raises as `new_event`, for the type pce_type_invalid.

    A field that is null counts as left out.
    """
    body = {name: value for name, value in body.items() if value is not None}
    kind = body.get("type")
    if kind is not None and event_types(kind, "pce_type_invalid") != subscription.types:
        raise invalid("pce_type_invalid", "type cannot be changed.")
    if "url" in body:
        subscription = replace(subscription, url=_url(scope, body["url"]))
    if "method" in body:
        method = _one_of(
            body["method"], (0, 1), "pce_method_invalid", "method", "0 (GET), 1 (POST)"
        )
        subscription = replace(subscription, method=Method(method))
    if "status" in body:
        status = _one_of(
            body["status"], (0, 1), "pce_status_invalid", "status", "0 (disabled), 1 (enabled)"
        )
        subscription = replace(subscription, enabled=status == 1)
    if "note" in body:
        subscription = replace(subscription, note=_note(body["note"]))
    if "format" in body:
        subscription = replace(subscription, format=_format(body["format"]))
    if subscription.format is BodyFormat.JSON and subscription.method is Method.GET:
        raise invalid("pce_format_invalid", "format json needs method 1 (POST).")
    return replace(subscription, modified_ms=now_ms())


def event_types(value: object, code: str) -> EventTypes:
    """The types in the order of their numbers, each once.

    One is given as a number or text (docs/reference/uapi.md §3). Several are a list, or text with
    commas; that is ours. Raises 400 with `code`.
    """
    given = value.split(",", len(EventType)) if isinstance(value, str) else value
    given = given if isinstance(given, list) else [given]
    if not 1 <= len(given) <= len(EventType):
        raise invalid(code, f"type must be 1 to {len(EventType)} types.")
    return tuple(sorted({_event_type(x, code) for x in given}))


def _event_type(value: object, code: str) -> EventType:
    what = (
        "0 (dial-in), 1 (dial-out), 2 (hang-up), 3 (answer incoming), 4 (answer outgoing), "
        "100 (digit)"
    )
    return EventType(_one_of(value, tuple(map(int, EventType)), code, "type", what))


def _one_of(value: object, allowed: Sequence[int], code: str, name: str, what: str) -> int:
    text = str(value).strip() if isinstance(value, str | int) else ""
    digits = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    if not isinstance(value, bool) and digits and int(text) in allowed:
        return int(text)
    raise invalid(code, f"{name} must be one of {what}.")


def _url(scope: EventScope, value: object) -> str:
    settings = scope.services.settings.uapi
    if not isinstance(value, str) or not value.strip():
        raise invalid("pce_url_invalid", "url is missing or not a string.")
    text = value.strip()
    try:
        check_url(text, settings.event_url_max_chars, settings.event_targets)
    except UrlInvalid as why:
        raise invalid("pce_url_invalid", f"url: {why}.") from None
    return text


def _format(value: object) -> BodyFormat:
    try:
        return BodyFormat(value)
    except ValueError:
        raise invalid("pce_format_invalid", "format must be form or json.") from None


def _note(value: object) -> str:
    if not isinstance(value, str) or len(value) > NOTE_MAX_CHARS or not value.isprintable():
        raise invalid(
            "pce_note_invalid", f"note must be one line of at most {NOTE_MAX_CHARS} characters."
        )
    return value
