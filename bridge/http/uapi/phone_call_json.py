"""A PhoneCall and its views in the API's form (uapi.md §2). Fields without a value are left out."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from bridge.calls.call_views import PhoneCallView, views_of
from bridge.calls.pbx import CallerId
from bridge.calls.phone_call import PhoneCall
from bridge.directory.model import AccountLevel
from bridge.http.uapi.caller import Scope
from bridge.http.uapi.fields import Json

PHONE_CALL_FIELDS = frozenset(
    {
        "id",
        "nonce",
        "extension",
        "ownerId",
        "ownerName",
        "published",
        "answered",
        "phoneCallView",
        "links",
        "link",
        "ended",
        "disposition",
        "hangupCause",
        "sipCode",
        "endedBy",
        "reason",
        "endedNotBefore",
        "publishedMs",
        "ringingMs",
        "answeredMs",
        "endedMs",
    }
)


_MOMENT_MAX_CHARS = 40


def phone_call_json(call: PhoneCall, scope: Scope, owner: Json, self_url: str) -> Json:
    """`owner`: ownerId and ownerName. Ended calls carry our own fields about the end as well."""
    item: Json = {
        "id": call.id,
        # The app's own word for its user's call; nobody else's business.
        "nonce": call.nonce if call.user_id == scope.user.id else None,
        "extension": _spelled(scope, call, call.extension, call.extension_spelled),
        **owner,
        "published": date(call.published_ms),
        "answered": date(call.answered_ms),
        "phoneCallView": [
            _view_json(x, call, scope) for x in views_of(call, as_spelled=_understands(scope, call))
        ],
        "links": {"self": self_url},
        "link": {"self": self_url},
        **_end_json(call),
    }
    return without_nulls(item)


def date(at_ms: int | None) -> str | None:
    """XML Schema dateTime in UTC, to the second, as the specification's examples."""
    if at_ms is None:
        return None
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_s(text: str) -> int:
    """A dateTime as seconds since the epoch; without an offset it is UTC. Raises ValueError."""
    if len(text) > _MOMENT_MAX_CHARS:
        raise ValueError("it must be a date and time like 2012-06-27T16:08:55Z")
    # A + that a client has not escaped arrives as a space.
    text = re.sub(r"(T.*) (\d\d:\d\d)\Z", r"\1+\2", text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("it must be a date and time like 2012-06-27T16:08:55Z") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def without_nulls(item: Json) -> Json:
    return {k: v for k, v in item.items() if v is not None}


def _view_json(view: PhoneCallView, call: PhoneCall, scope: Scope) -> Json:
    final = call.final
    return without_nulls(
        {
            "id": view.leg.view_id,
            "extension": _spelled(scope, call, view.leg.extension, view.leg.spelled),
            "source": list(view.sources),
            "destination": list(view.destinations),
            "flow": int(call.flow),
            "status": int(view.status),
            "ringing": date(view.leg.ringing_ms),
            "answered": date(view.leg.answered_ms),
            "callerId": _caller_id(view.caller_id),
            "onHold": date(view.leg.on_hold_ms),
            "holder": 1 if view.leg.on_hold_ms is not None else None,
            "disposition": int(final.disposition) if final else None,
        }
    )


def _end_json(call: PhoneCall) -> Json:
    final = call.final
    if final is None:
        return {}
    return {
        "ended": date(final.at_ms),
        "disposition": int(final.disposition),
        "hangupCause": final.cause,
        "sipCode": final.sip_code,
        "endedBy": final.by.value,
        "reason": final.reason,
        "endedNotBefore": date(final.not_before_ms),
        "publishedMs": call.published_ms,
        "ringingMs": call.ringing_ms,
        "answeredMs": call.answered_ms,
        "endedMs": final.at_ms,
    }


def _understands(scope: Scope, call: PhoneCall) -> bool:
    """Whether numbers mean the same to who asks as to who made the call: short ones do so within
    an organization, and to its apps only."""
    if scope.app.level is AccountLevel.ADMINISTRATOR:
        return False
    return call.organization in (None, scope.user.organization)


def _spelled(scope: Scope, call: PhoneCall, extension: str | None, spelled: str) -> str | None:
    if extension is None:
        return None
    asked = scope.spelling_of(extension)
    return asked or (spelled if spelled and _understands(scope, call) else extension)


def _caller_id(caller_id: CallerId | None) -> str | None:
    if caller_id is None:
        return None
    return f"{caller_id.name} <{caller_id.number}>".lstrip()
