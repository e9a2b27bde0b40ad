"""Which events a change of a call is, and for which of its extensions. Pure.

docs/phone-call-events.md has a table of them.

An extension takes part as a party that calls or is called, as the queue, IVR or conference that was
dialled, or as the one that pays for a call of the API between others: that one counts as calling.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass

from bridge.calls.effects import CallConnected, CallEnded, LegChanged, LegStep
from bridge.calls.phone_call import Leg, LegPhase, Origin, PhoneCall, Side
from bridge.calls.tracker import Change
from bridge.phone_call_events.call_status import CallStatus, status_for
from bridge.phone_call_events.subscription import EventType


@dataclass(frozen=True, slots=True)
class CallEvent:
    """`part` tells it from the other events of this type, extension and call.

    `leg` is the extension's own party in the call, None where it has none. `calling`: it calls
    rather than being called.
    """

    type: EventType
    extension: str
    part: str
    status: CallStatus
    calling: bool
    leg: Leg | None
    at_ms: int


def events_of(change: Change, wanted: Container[str]) -> list[CallEvent]:
    """The events of the extensions in `wanted`, in the order in which they are to be sent."""
    call = change.after
    events: list[CallEvent] = []
    for effect in change.effects:
        if isinstance(effect, LegChanged):
            events += _of_leg(call, effect, wanted)
        elif isinstance(effect, CallConnected):
            events += _connected(call, effect.at_ms, wanted)
        elif isinstance(effect, CallEnded):
            events += _hung_up(call, effect.final.at_ms, wanted)
    return events


def _of_leg(call: PhoneCall, change: LegChanged, wanted: Container[str]) -> Iterator[CallEvent]:
    leg, at_ms = change.leg, change.at_ms
    part, calling = leg.uniqueid or "", leg.side is Side.SOURCE
    if change.step is LegStep.DIALLED:
        if leg.extension is not None and leg.extension in wanted:
            kind = EventType.DIAL_OUT if calling else EventType.DIAL_IN
            yield CallEvent(kind, leg.extension, part, CallStatus.CALLING, calling, leg, at_ms)
        if calling:
            yield from _others(call, EventType.DIAL_OUT, EventType.DIAL_IN, at_ms, wanted)
        return
    if change.step is not LegStep.ANSWERED or calling:
        return
    if leg.extension is not None and leg.extension in wanted:
        kind = EventType.ANSWER_INCOMING
        yield CallEvent(kind, leg.extension, part, CallStatus.ANSWER, calling, leg, at_ms)


def _connected(call: PhoneCall, at_ms: int, wanted: Container[str]) -> Iterator[CallEvent]:
    kind = EventType.ANSWER_OUTGOING
    for leg in call.legs:
        talks = leg.side is Side.SOURCE and leg.phase is LegPhase.UP
        if talks and leg.extension is not None and leg.extension in wanted:
            yield CallEvent(kind, leg.extension, "", CallStatus.ANSWER, True, leg, at_ms)
    kinds = EventType.ANSWER_OUTGOING, EventType.ANSWER_INCOMING
    yield from _others(call, *kinds, at_ms, wanted)


def _hung_up(call: PhoneCall, at_ms: int, wanted: Container[str]) -> Iterator[CallEvent]:
    unseen = call.final is not None and call.final.not_before_ms is not None
    own: dict[str, Leg] = {}
    for leg in call.legs:
        # Who was never dialled knows nothing of the call; of an end that nobody saw, nobody knows.
        took_part = leg.uniqueid is not None or unseen or _ordered_source(call, leg)
        if leg.extension is None or not took_part:
            continue
        # An extension may have been dialled several times: the time it answered counts.
        if leg.extension not in own or leg.answered_ms is not None:
            own[leg.extension] = leg
    for extension, leg in own.items():
        if extension in wanted:
            calling, status = leg.side is Side.SOURCE, status_for(call, leg)
            yield CallEvent(EventType.HANG_UP, extension, "", status, calling, leg, at_ms)
    yield from _others(call, EventType.HANG_UP, EventType.HANG_UP, at_ms, wanted)


def _ordered_source(call: PhoneCall, leg: Leg) -> bool:
    return call.origin is Origin.API and leg.side is Side.SOURCE


def _others(
    call: PhoneCall,
    of_payer: EventType,
    of_service: EventType,
    at_ms: int,
    wanted: Container[str],
) -> Iterator[CallEvent]:
    """The same for the extensions of the call that are no party of it."""
    if call.origin is not Origin.API:
        extension, kind, calling = call.called_service, of_service, False
    else:
        extension, kind, calling = call.extension, of_payer, True
    if extension is None or extension not in wanted:
        return
    if any(leg.extension == extension for leg in call.legs):
        return
    status = {
        EventType.HANG_UP: status_for(call, None),
        EventType.DIAL_IN: CallStatus.CALLING,
        EventType.DIAL_OUT: CallStatus.CALLING,
    }.get(kind, CallStatus.ANSWER)
    yield CallEvent(kind, extension, "no party", status, calling, None, at_ms)
