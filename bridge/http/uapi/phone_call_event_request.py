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
    EventType,
    Method,
    Subscription,
    new_secret,
    new_subscription_id,
)
from bridge.phone_call_events.url_rules import UrlInvalid, check_url

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


def type_in_uri(request: web.Request, code: str = "pce_type_invalid") -> EventType | None:
    """None where the URI has none. Raises 400 with `code`."""
    text = request.match_info.get("eventType")
    return None if text is None else event_type(text, code)


def named_by(request: web.Request, scope: EventScope) -> list[Subscription]:
    """The subscriptions that the URI names: all of the extension, those of one type, or one.

    Raises pce_type_invalid, pce_id_invalid.
    """
    found = scope.services.phone_call_events.of_extension(scope.extension)
    # Old pages of the vendor write the URI without the type.
    without_type = [x for x in found if x.id == request.match_info.get("eventType")]
    if without_type and "eventId" not in request.match_info:
        return without_type
    wanted, event_id = type_in_uri(request), request.match_info.get("eventId")
    if wanted is not None:
        found = [x for x in found if x.type is wanted]
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
    scope: EventScope, kind: EventType | None, body: Mapping[str, object]
) -> Subscription:
    """The subscription that the body orders; `kind` is the type in the URI.

    Raises pcet_type_invalid, pce_method_invalid, pce_url_invalid, pce_status_invalid,
    pce_note_invalid.
    """
    in_body = body.get("type")
    wanted = kind if in_body is None else event_type(in_body, "pcet_type_invalid")
    if wanted is None or kind not in (None, wanted):
        raise invalid("pcet_type_invalid", "type is missing, or differs from the one in the URI.")
    subscription = Subscription(
        id=new_subscription_id(),
        extension=scope.extension,
        type=wanted,
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
    if kind is not None and event_type(kind, "pce_type_invalid") is not subscription.type:
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
    return replace(subscription, modified_ms=now_ms())


def event_type(value: object, code: str) -> EventType:
    """The type with that number, given as a number or text.

    Raises 400 with `code` (docs/reference/uapi.md §3).
    """
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


def _note(value: object) -> str:
    if not isinstance(value, str) or len(value) > NOTE_MAX_CHARS or not value.isprintable():
        raise invalid(
            "pce_note_invalid", f"note must be one line of at most {NOTE_MAX_CHARS} characters."
        )
    return value
