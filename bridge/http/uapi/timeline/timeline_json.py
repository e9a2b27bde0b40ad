"""The timeline of a call in the API's form (docs/timeline.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bridge.calls.state.call_views import WriteNumber
from bridge.calls.state.phone_call import Leg, PhoneCall
from bridge.calls.timeline.entry import Fact, Timeline, TimelineEntry
from bridge.directory.model import AccountLevel
from bridge.http.uapi.fields import Json
from bridge.http.uapi.phone_call_json import spelling, without_nulls
from bridge.http.uapi.scope import Scope
from bridge.phone_call_events.store.attempt_store import KeptAttempt

_OF_ITS_OWNER = ("app", "requestId")


def timeline_json(
    call: PhoneCall, timeline: Timeline, attempts: Sequence[KeptAttempt], scope: Scope
) -> Json:
    """`attempts`: to deliver events of the call, oldest first. They stand between the entries by
    their moments; the entries keep their order."""
    write_number = spelling(call, scope)
    legs = {x.view_id: x for x in call.legs}
    hidden = () if _is_of_owner(call, scope) else _OF_ITS_OWNER

    def shown(entry: TimelineEntry) -> Json:
        facts = {k: v for k, v in entry.facts.items() if k not in hidden}
        item: Json = {"type": entry.type.value, "ms": entry.at_ms, **facts}
        return item | _named(facts, legs, write_number) | _sip_call_id(facts, timeline)

    item: Json = {
        "id": call.id,
        "linkedId": call.linkedid,
        "truncated": timeline.left_out > 0,
        "leftOut": timeline.left_out or None,
        "entry": [
            _webhook(x) if isinstance(x, KeptAttempt) else shown(x)
            for x in _merged(timeline.entries, attempts)
        ],
    }
    return without_nulls(item)


def _is_of_owner(call: PhoneCall, scope: Scope) -> bool:
    """Whether the apps of the call's organization are this requester's business."""
    if scope.app.level is AccountLevel.ADMINISTRATOR:
        return True
    return call.organization in (None, scope.user.organization)


def _named(
    facts: Mapping[str, Fact], legs: Mapping[str, Leg], write_number: WriteNumber
) -> dict[str, Fact]:
    """Numbers, written as in a list of calls."""
    found: dict[str, Fact] = {}
    leg = legs.get(str(facts.get("view")))
    if leg is not None:
        found["number"] = write_number(leg.extension, leg.number, leg.spelled)
    for name in ("parkedBy", "forwardedFrom"):
        if name in facts:
            extension = str(facts[name])
            found[name] = write_number(extension, extension, "")
    return found


def _sip_call_id(facts: Mapping[str, Fact], timeline: Timeline) -> dict[str, Fact]:
    known = timeline.sip_call_ids.get(str(facts.get("channel")))
    return {} if known is None else {"sipCallId": known}


def _webhook(attempt: KeptAttempt) -> Json:
    return without_nulls(
        {
            "type": "webhook",
            "ms": attempt.at_ms,
            "eventType": attempt.event_type or None,
            "callStatus": attempt.call_status or None,
            "subscriptionId": attempt.subscription_id,
            "host": attempt.host,
            "status": attempt.http_status,
            "durationMs": attempt.duration_ms,
            "error": attempt.error,
        }
    )


def _merged(
    entries: Sequence[TimelineEntry], attempts: Sequence[KeptAttempt]
) -> Iterator[TimelineEntry | KeptAttempt]:
    waiting = list(reversed(attempts))
    for entry in entries:
        while waiting and waiting[-1].at_ms < entry.at_ms:
            yield waiting.pop()
        yield entry
    yield from reversed(waiting)
