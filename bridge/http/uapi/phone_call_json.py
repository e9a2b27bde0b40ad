"""A PhoneCall and its views in the API's form (docs/reference/uapi.md §2).

Fields without a value are left out.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

import orjson

from bridge.calls.state.acts_on import ActsOn, CallAction
from bridge.calls.state.call_views import PhoneCallView, WriteNumber, views_of
from bridge.calls.state.outcome import has_outcome, outcome_of
from bridge.calls.state.phone_call import Leg, PhoneCall
from bridge.directory.caller_ids import CallerId
from bridge.directory.model import AccountLevel
from bridge.directory.ownership import SELF
from bridge.http.uapi.fields import Json
from bridge.http.uapi.scope import Scope

PHONE_CALL_FIELDS = frozenset(
    {
        "id",
        "nonce",
        "metadata",
        "extension",
        "ownerId",
        "ownerName",
        "published",
        "answered",
        "taken",
        "takenBy",
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
        "recordingId",
        "actsOn",
        "splitFrom",
        "splitOff",
    }
)


_MOMENT_MAX_CHARS = 40
_DATES_KEPT = 4_096


def phone_call_json(call: PhoneCall, scope: Scope, owner: Json, self_url: str) -> Json:
    """`owner`: ownerId and ownerName. Ended calls carry our own fields about the end as well.

    `self_url`: the URL of the call. It lists live calls only, so the link of an ended call asks
    for ended ones.
    """
    links = {"self": self_url if call.final is None else f"{self_url}?ended=true"}
    write_number = spelling(call, scope)
    item: Json = {
        "id": call.id,
        # The app's own word for its user's call; nobody else's business.
        "nonce": call.nonce if call.user_id == scope.user.id else None,
        "metadata": metadata_json(call) if call.user_id == scope.user.id else None,
        "extension": _extension(write_number, call.extension, call.extension_spelled),
        **owner,
        "published": date(call.published_ms),
        "answered": date(call.answered_ms),
        **_taken_json(call),
        "phoneCallView": [view_json(x, call, write_number) for x in views_of(call, write_number)],
        "recordingId": call.recording_id,
        "actsOn": _acts_on_json(call.acts_on),
        "splitFrom": call.split_from,
        "splitOff": list(call.split_off) or None,
        "links": links,
        "link": links,
        **_end_json(call),
        **_moments_json(call),
    }
    return without_nulls(item)


def metadata_json(call: PhoneCall) -> Json | None:
    """The object that the app gave the call; None where it gave none."""
    return None if call.metadata is None else orjson.loads(call.metadata)


def date(at_ms: int | None) -> str | None:
    """XML Schema dateTime in UTC, to the second, as the specification's examples."""
    return None if at_ms is None else _date_of_second(at_ms // 1000)


@lru_cache(_DATES_KEPT)
def _date_of_second(at_s: int) -> str:
    """A call is shown many times with the same moments; this was 15 % of showing it."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


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
    """The item without fields whose value is None; nested objects stay as they are."""
    return {k: v for k, v in item.items() if v is not None}


def view_json(view: PhoneCallView, call: PhoneCall, write_number: WriteNumber) -> Json:
    """One PhoneCallView (docs/reference/uapi.md §2)."""
    return without_nulls(
        {
            "id": view.leg.view_id,
            "extension": _extension(write_number, view.leg.extension, view.leg.spelled),
            "source": list(view.sources),
            "destination": list(view.destinations),
            "flow": int(call.flow),
            "status": int(view.status),
            "ringing": date(view.leg.ringing_ms),
            "answered": date(view.leg.answered_ms),
            "recording": date(_recorded_since_ms(call, view.leg)),
            "callerId": _caller_id(view.caller_id),
            "forwardedFrom": _extension(write_number, view.leg.forwarded_from, ""),
            "onHold": date(view.on_hold_ms),
            "holder": int(view.holds) if view.on_hold_ms is not None else None,
            "muted": 1 if view.leg.muted and call.final is None else None,
            "disposition": _disposition(call, view.leg),
            **_parked_json(call, view.leg, write_number),
        }
    )


def _parked_json(call: PhoneCall, leg: Leg, write_number: WriteNumber) -> Json:
    """Of a party that waits in a parking lot now."""
    parking = leg.parking
    if parking is None or not leg.parked or call.final is not None:
        return {}
    return {
        "parked": date(parking.since_ms),
        "parkedPos": int(parking.place) if parking.place.isdecimal() else None,
        "parkedBy": _extension(write_number, parking.by, ""),
    }


def _recorded_since_ms(call: PhoneCall, leg: Leg) -> int | None:
    """Of who talks while the call is being recorded; of an ended call, the parties that have
    talked."""
    shown = call.being_recorded if call.final is None else True
    return call.recorded_since_ms if shown and leg.answered_ms is not None else None


def _disposition(call: PhoneCall, leg: Leg) -> int | None:
    """The party's own; none for one that an ended call never reached."""
    if call.final is None or not has_outcome(call, leg):
        return None
    return int(outcome_of(call, leg).disposition)


def _taken_json(call: PhoneCall) -> Json:
    """Of a call in which the PBX itself answered, and nobody since."""
    if call.taken_ms is None or (call.answered_ms or 0) > call.taken_ms:
        return {}
    return {"taken": date(call.taken_ms), "takenBy": "pbx" if call.mailbox is None else "voicemail"}


def _acts_on_json(acts_on: ActsOn | None) -> Json | None:
    """Ours: the call that this one was placed to listen to, pick up or fetch."""
    if acts_on is None:
        return None
    private = acts_on.action is CallAction.PRIVATE_WHISPER
    return without_nulls(
        {
            "action": CallAction.WHISPER.value if private else acts_on.action.value,
            "private": 1 if private else None,
            "phoneCallId": acts_on.call_id,
            "phoneCallViewId": acts_on.view_id,
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
    }


def _moments_json(call: PhoneCall) -> Json:
    """Ours, of live and ended calls: a date has no parts of a second. In ms since the epoch."""
    return {
        "publishedMs": call.published_ms,
        "ringingMs": call.ringing_ms,
        "answeredMs": call.answered_ms,
        "endedMs": None if call.final is None else call.final.at_ms,
    }


def _understands(scope: Scope, call: PhoneCall) -> bool:
    """Whether a short number means the same to the requester as to the app that made the call. It
    does within one organization, and for the apps of that organization only."""
    if scope.app.level is AccountLevel.ADMINISTRATOR:
        return False
    return call.organization in (None, scope.user.organization)


def spelling(call: PhoneCall, scope: Scope) -> WriteNumber:
    """How this answer writes numbers, all of one organization alike.

    A request for `210` gets short numbers, a request for `0003*210` extended ones. All others get
    short numbers where every number that an app wrote for this call is short, else extended ones.
    """
    mine, understood = f"{scope.user.organization}*", _understands(scope, call)
    asked_for = scope.extensions[0].number if scope.spelled != SELF else ""
    asked = scope.spelled in (asked_for, asked_for.removeprefix(mine))
    wrote = [call.extension_spelled, *(x.spelled for x in call.legs if x.extension is not None)]
    short = "*" not in (scope.spelled if asked else "".join(wrote))

    def write_number(extension: str | None, number: str, written: str) -> str:
        if extension is None:
            return written if understood and written else number
        if extension == asked_for:
            return scope.spelled
        if not understood:
            return extension
        return extension.removeprefix(mine) if short else extension

    return write_number


def _extension(write_number: WriteNumber, extension: str | None, written: str) -> str | None:
    return None if extension is None else write_number(extension, extension, written)


def _caller_id(caller_id: CallerId | None) -> str | None:
    if caller_id is None or not caller_id.number:
        return None
    return f"{caller_id.name} <{caller_id.number}>".lstrip()
