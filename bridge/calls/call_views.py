"""A call as each of its parties sees it (PhoneCallView, uapi.md §2).

One view per party that is still in the call. The first is the source's, which is what pollers read.
Several sources ring at once: each has a view until one answers.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum

from bridge.calls.pbx import CallerId
from bridge.calls.phone_call import Leg, LegPhase, PhoneCall, Side

_PUBLIC_DIGITS_MIN = 7


class ViewStatus(IntEnum):
    UNKNOWN = 0
    OFF_HOOK = 1
    TRYING = 2
    RINGING = 3
    OTHER_SIDE_RINGING = 4
    ON_CALL = 5


@dataclass(frozen=True, slots=True)
class PhoneCallView:
    leg: Leg
    status: ViewStatus
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    caller_id: CallerId | None


def views_of(call: PhoneCall, *, as_spelled: bool = True) -> list[PhoneCallView]:
    """The views of a live call; of an ended one, those of all its parties.

    Numbers are as who made the call spelled them, or as anybody understands them.
    """
    present = _present(call)

    def names(side: Side) -> tuple[str, ...]:
        return tuple(x.spelled if as_spelled else x.number for x in present if x.side is side)

    sources, destinations = names(Side.SOURCE), names(Side.DESTINATION)
    service = _dialled_service(call)
    if service is not None:
        destinations = (call.dialled if as_spelled else service, *destinations)
    elif not destinations and call.dialled:
        destinations = (call.dialled,)
    return [
        PhoneCallView(leg, _status(call, leg), sources, destinations, _shown_to(call, leg))
        for leg in present
    ]


def concerns(call: PhoneCall, extension: str) -> bool:
    """Whether a live call is this extension's: it pays, is the dialled service, or is still in it.

    One whose phone no longer rings since another answered, or that transferred the call away, has
    nothing to do with it any more.
    """
    if extension in (call.extension, call.called_service):
        return True
    return any(leg.extension == extension for leg in _present(call))


def has_party(call: PhoneCall, number: str, extensions: Collection[str]) -> bool:
    """Whether a party that is still in the call goes by this number, public, with or without the +.

    `extensions`: the extended numbers that it may mean as the number of an extension.
    """
    if _dialled_service(call) in extensions:
        return True
    digits = number.removeprefix("+")
    for leg in _present(call):
        if leg.extension is not None:
            if leg.extension in extensions:
                return True
        elif digits in (leg.number.removeprefix("+"), leg.spelled.removeprefix("+")):
            return True
    return digits == call.dialled.removeprefix("+") and _is_unambiguous(call, extensions)


def _is_unambiguous(call: PhoneCall, extensions: Collection[str]) -> bool:
    """Whether what was dialled means to who asks what it means in this call: short numbers do
    within an organization only."""
    if len(call.dialled) >= _PUBLIC_DIGITS_MIN or call.organization is None:
        return True
    return any(x.partition("*")[0] == call.organization for x in extensions)


def _dialled_service(call: PhoneCall) -> str | None:
    """The queue, IVR or conference that a phone dialled and was not transferred away from."""
    return None if call.left_service else call.called_service


def _present(call: PhoneCall) -> list[Leg]:
    if call.final is not None:
        return list(call.legs)
    gone = {x.view_id for x in call.legs if x.phase is LegPhase.GONE}
    picked_up = any(x.side is Side.SOURCE and x.phase is LegPhase.UP for x in call.legs)
    reached = any(x.side is Side.DESTINATION and x.answered_ms is not None for x in call.legs)
    legs = []
    for leg in call.legs:
        if leg.side is Side.SOURCE:
            # One that was waiting when another picked up is out, before its channel is gone.
            loser = picked_up and leg.phase is not LegPhase.UP
        else:
            # One that was not registered never had a channel. (One that rings may be the target of
            # a transfer.)
            loser = reached and leg.phase is LegPhase.WAITING
        if leg.view_id not in gone and not loser:
            legs.append(leg)
    return legs or list(call.legs)


def _status(call: PhoneCall, leg: Leg) -> ViewStatus:
    if call.final is not None or leg.phase is LegPhase.GONE:
        return ViewStatus.UNKNOWN
    if leg.side is Side.DESTINATION:
        return _OF_CALLED_PHASE[leg.phase]
    if leg.phase is LegPhase.UP and call.answered_ms is not None:
        return _of_far_side(call, ViewStatus.ON_CALL)
    if leg.phase is LegPhase.UP:
        return _of_far_side(call, ViewStatus.OFF_HOOK)
    if leg.calls_in:
        return _of_far_side(call, ViewStatus.OFF_HOOK)
    return ViewStatus.RINGING if leg.phase is LegPhase.RINGING else ViewStatus.TRYING


_OF_CALLED_PHASE = {
    LegPhase.WAITING: ViewStatus.UNKNOWN,
    LegPhase.TRYING: ViewStatus.TRYING,
    LegPhase.RINGING: ViewStatus.RINGING,
    LegPhase.UP: ViewStatus.ON_CALL,
}


def _of_far_side(call: PhoneCall, alone: ViewStatus) -> ViewStatus:
    """What the caller hears of the far side; `alone` while nothing is dialled there."""
    phases = {x.phase for x in call.legs if x.side is Side.DESTINATION}
    if LegPhase.UP in phases:
        return ViewStatus.ON_CALL
    if LegPhase.RINGING in phases:
        return ViewStatus.OTHER_SIDE_RINGING
    return ViewStatus.TRYING if LegPhase.TRYING in phases else alone


def _shown_to(call: PhoneCall, leg: Leg) -> CallerId | None:
    return call.caller_id if leg.side is Side.SOURCE else call.destination_caller_id
