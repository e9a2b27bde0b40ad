"""A call detail record in the API's form (docs/reference/uapi.md §8).

It is the PhoneCall of an ended call. Its views are other than those of a live call. There is one
for each destination, with the source and the destination as text, so that a client may show and sum
them.
"""

from __future__ import annotations

from collections.abc import Iterable

from bridge.calls.state.call_views import PhoneCallView, WriteNumber, views_of
from bridge.calls.state.phone_call import Leg, LegPhase, PhoneCall, Side
from bridge.calls.store.call_detail import CallSum
from bridge.http.uapi.fields import Json
from bridge.http.uapi.phone_call_json import (
    PHONE_CALL_FIELDS,
    phone_call_json,
    spelling,
    view_json,
    without_nulls,
)
from bridge.http.uapi.scope import Scope

_VIEW_FIELDS = frozenset(
    {
        "id",
        "extension",
        "source",
        "destination",
        "flow",
        "ringing",
        "answered",
        "recording",
        "callerId",
        "forwardedFrom",
        "disposition",
        "duration",
    }
)
CDR_FIELDS = PHONE_CALL_FIELDS | _VIEW_FIELDS
_COUNTERS = {0: "answered", 1: "busy", 2: "failed", 3: "unanswered", 4: "unknown", 5: "unallowed"}
_INCOMING, _OUTGOING = 0, 1


def record_json(
    call: PhoneCall, scope: Scope, owner: Json, self_url: str, fields: frozenset[str] | None
) -> Json:
    """`fields`: None for all. Clients name fields of the call and of its views in one list."""
    views = _views(call, spelling(call, scope))
    item = {**phone_call_json(call, scope, owner, self_url), "phoneCallView": views}
    if fields is None:
        return item
    shown = {k: v for k, v in item.items() if k in fields}
    of_views = fields & _VIEW_FIELDS
    if "phoneCallView" not in fields and of_views - {"id", "extension", "answered"}:
        shown["phoneCallView"] = [{k: v for k, v in x.items() if k in of_views} for x in views]
    return shown


def sums_json(sums: Iterable[CallSum]) -> list[Json]:
    """The two PhoneCallStat: of the calls that the asked extensions received, and of those that
    they made."""
    counted = {
        kind: {"type": kind, "total": 0, **dict.fromkeys(_COUNTERS.values(), 0)}
        for kind in (_INCOMING, _OUTGOING)
    }
    for one in sums:
        stat = counted[_OUTGOING if one.outgoing else _INCOMING]
        stat["total"] += one.calls
        stat[_COUNTERS.get(one.disposition, "unknown")] += one.calls
    return [dict(x) for x in counted.values()]


def _views(call: PhoneCall, write_number: WriteNumber) -> list[Json]:
    views = views_of(call, write_number)
    sources = [x for x in views if x.leg.side is Side.SOURCE]
    called = [x for x in views if x.leg.side is Side.DESTINATION]
    caller = next((x for x in sources if x.leg.answered_ms is not None), None)
    caller = caller or next(iter(sources), None)
    rows = [_row(x, call, write_number, caller, _spelled(x.leg, write_number)) for x in called]
    dialled = _dialled(views, called)
    if dialled is not None and caller is not None:  # a queue, an IVR, or who was never called
        return [_row(caller, call, write_number, caller, dialled), *rows]
    return rows


def _dialled(views: list[PhoneCallView], called: list[PhoneCallView]) -> str | None:
    """The dialled service or digits, beyond the parties that were called; None: nothing more."""
    destinations = views[0].destinations if views else ()
    if len(destinations) > len(called):
        return destinations[0]
    return None if called else ""


def _row(
    view: PhoneCallView,
    call: PhoneCall,
    write_number: WriteNumber,
    caller: PhoneCallView | None,
    to: str,
) -> Json:
    item = view_json(view, call, write_number)
    source = caller or view
    row = {
        **item,
        "extension": item.get("extension")
        or view_json(source, call, write_number).get("extension"),
        "source": _spelled(source.leg, write_number) if caller is not None else "",
        "destination": to,
        "duration": _talked_s(view.leg, call),
        "disposition": item.get("disposition", _disposition(call)),
    }
    return without_nulls({k: v for k, v in row.items() if k in _VIEW_FIELDS})


def _spelled(leg: Leg, write_number: WriteNumber) -> str:
    return write_number(leg.extension, leg.number, leg.spelled)


def _disposition(call: PhoneCall) -> int | None:
    """Of a destination that was never called: the call's own."""
    return None if call.final is None else int(call.final.disposition)


def _talked_s(leg: Leg, call: PhoneCall) -> int:
    """Whole seconds from the answer to the end of this party's talk; 0 without a talk."""
    began_ms = call.answered_ms if call.answered_ms is not None else call.taken_ms
    if began_ms is None or (leg.answered_ms is None and not leg.calls_in) or call.final is None:
        return 0
    began_ms = max(began_ms, leg.answered_ms or 0)
    ended_ms = leg.ended_ms if leg.phase is LegPhase.GONE else None
    return max(0, (ended_ms or call.final.at_ms) - began_ms) // 1000
