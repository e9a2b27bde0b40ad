"""Which events a change of a call is, and for which of its extensions. Pure.

docs/phone-call-events.md has a table of them.

An extension takes part as a party, as the dialled queue, IVR or conference, or as the payer of an
API call between others. The payer counts as calling.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass

from bridge.calls.live.change import Change
from bridge.calls.state.effects import (
    CallConnected,
    CallEnded,
    DigitPressed,
    LegProgressed,
    LegStep,
)
from bridge.calls.state.phone_call import Leg, LegPhase, Origin, PhoneCall, Side
from bridge.phone_call_events.event_call_status import EventCallStatus, event_call_status
from bridge.phone_call_events.subscription import EventType


@dataclass(frozen=True, slots=True)
class CallEvent:
    """`part` tells it from the other events of this type, extension and call.

    `leg` is the extension's own party in the call, None if it has none. `calling`: it calls rather
    than being called. `digit`: of an event of a digit, which the party `pressed_by` has sent.
    """

    type: EventType
    extension: str
    part: str
    status: EventCallStatus
    calling: bool
    leg: Leg | None
    at_ms: int
    digit: str = ""
    pressed_by: str = ""

    def call_id(self, call: PhoneCall) -> str:
        """The id in the event. A party that came from a call that joined `call` keeps the id of its
        first call, as in its earlier events."""
        told_as = self.leg.told_as if self.leg is not None else None
        return told_as or call.id


def events_of(change: Change, wanted: Container[str]) -> list[CallEvent]:
    """The events of the extensions in `wanted`, in the order of sending."""
    call = change.after
    events: list[CallEvent] = []
    for effect in change.effects:
        if isinstance(effect, LegProgressed):
            events += _of_leg(call, effect, wanted)
        elif isinstance(effect, CallConnected):
            events += _connected(call, effect.at_ms, wanted)
        elif isinstance(effect, DigitPressed):
            events += _pressed(call, effect, wanted)
        elif isinstance(effect, CallEnded):
            events += _hung_up(call, effect.final.at_ms, wanted)
    return events


def _of_leg(call: PhoneCall, change: LegProgressed, wanted: Container[str]) -> Iterator[CallEvent]:
    leg, at_ms = change.leg, change.at_ms
    part, calling = leg.uniqueid or "", leg.calls
    if change.step is LegStep.DIALLED:
        if leg.extension is not None and leg.extension in wanted:
            kind = EventType.DIAL_OUT if calling else EventType.DIAL_IN
            yield CallEvent(kind, leg.extension, part, EventCallStatus.CALLING, calling, leg, at_ms)
        if calling:
            yield from _others(call, EventType.DIAL_OUT, EventType.DIAL_IN, at_ms, wanted)
        return
    if change.step is not LegStep.ANSWERED or calling:
        return
    if leg.extension is not None and leg.extension in wanted:
        kind = EventType.ANSWER_INCOMING
        yield CallEvent(kind, leg.extension, part, EventCallStatus.ANSWER, calling, leg, at_ms)


def _pressed(call: PhoneCall, pressed: DigitPressed, wanted: Container[str]) -> Iterator[CallEvent]:
    """Of all extensions that are in the call, and of the one that only pays for it."""
    present = {x.extension: x for x in call.legs if x.phase is LegPhase.UP and not x.handed_over}
    others = dict.fromkeys(x for x in (call.called_service, _payer(call)) if x not in present)
    for extension, leg in [*present.items(), *((x, None) for x in others)]:
        if extension is None or extension not in wanted:
            continue
        calling = leg.calls if leg is not None else extension == _payer(call)
        yield CallEvent(
            EventType.DIGIT,
            extension,
            f"{pressed.leg.uniqueid} {pressed.at_ms}",
            EventCallStatus.ANSWER,
            calling,
            leg,
            pressed.at_ms,
            pressed.digit,
            pressed.leg.number,
        )


def _connected(call: PhoneCall, at_ms: int, wanted: Container[str]) -> Iterator[CallEvent]:
    kind = EventType.ANSWER_OUTGOING
    for leg in call.legs:
        talks = leg.calls and leg.phase is LegPhase.UP and not leg.told_answer
        if talks and leg.extension is not None and leg.extension in wanted:
            yield CallEvent(kind, leg.extension, "", EventCallStatus.ANSWER, True, leg, at_ms)
    kinds = EventType.ANSWER_OUTGOING, EventType.ANSWER_INCOMING
    yield from _others(call, *kinds, at_ms, wanted)


def _hung_up(call: PhoneCall, at_ms: int, wanted: Container[str]) -> Iterator[CallEvent]:
    unseen = call.final is not None and call.final.not_before_ms is not None
    payer = _payer(call)
    moved = _told_elsewhere(call)
    own: dict[tuple[str | None, str], Leg] = {}
    for leg in call.legs:
        # A party that was never dialled does not know the call; of an end that nobody saw, nobody
        # knows.
        dialled = leg.uniqueid is not None or unseen or _ordered_source(call, leg)
        dialled = dialled or leg.answered_ms is not None  # a conference, which has no channel
        announced = _announced(call, leg)
        if leg.extension is None or announced in moved or leg.moved or not dialled:
            continue
        if announced == (payer, call.id):
            continue
        if announced not in own or _counts_instead(leg, own[announced]):
            own[announced] = leg
    for (extension, _), leg in own.items():
        if extension is not None and extension in wanted:
            status = event_call_status(call, leg)
            yield CallEvent(EventType.HANG_UP, extension, "", status, leg.calls, leg, at_ms)
    if payer is None or (payer, call.id) not in moved:
        yield from _others(call, EventType.HANG_UP, EventType.HANG_UP, at_ms, wanted)


def _announced(call: PhoneCall, leg: Leg) -> tuple[str | None, str]:
    """The extension of the party, and the id of the call that its events are told of."""
    return leg.extension, leg.told_as or call.id


def _told_elsewhere(call: PhoneCall) -> set[tuple[str | None, str]]:
    """Of which parties another call tells the end: those that went there, and did not return."""
    found: set[tuple[str | None, str]] = set()
    for leg in call.legs:
        if leg.moved:
            found.add(_announced(call, leg))
        elif leg.told_as is not None:
            found.discard(_announced(call, leg))
    return found


def _counts_instead(leg: Leg, other: Leg) -> bool:
    """Whether this is the party whose end the extension is told of, of two in the same call.

    An extension may have been dialled several times: the time it answered counts. One that calls
    stays the caller where a transfer calls it back.
    """
    if leg.answered_ms is None or other.answered_ms is None:
        return leg.answered_ms is not None
    return leg.calls or not other.calls


def _ordered_source(call: PhoneCall, leg: Leg) -> bool:
    return call.origin is Origin.API and leg.side is Side.SOURCE


def _payer(call: PhoneCall) -> str | None:
    """The extension that pays for a call of the API between others.

    It is that also where a queue or a transfer rings its phone as well: what it is told as the
    payer began before. One that the app called, as source or destination, is a party only.
    """
    if call.origin is not Origin.API:
        return None
    ordered = {leg.extension for leg in call.legs if leg.dial}
    return None if call.extension in ordered else call.extension


def _others(
    call: PhoneCall,
    of_payer: EventType,
    of_service: EventType,
    at_ms: int,
    wanted: Container[str],
) -> Iterator[CallEvent]:
    """The same for extensions of the call that are not parties."""
    if call.origin is not Origin.API:
        extension, kind, calling = call.called_service, of_service, False
    else:
        extension, kind, calling = _payer(call), of_payer, True
    if extension is None or extension not in wanted:
        return
    status = {
        EventType.HANG_UP: event_call_status(call, None),
        EventType.DIAL_IN: EventCallStatus.CALLING,
        EventType.DIAL_OUT: EventCallStatus.CALLING,
    }.get(kind, EventCallStatus.ANSWER)
    yield CallEvent(kind, extension, "no party", status, calling, None, at_ms)
