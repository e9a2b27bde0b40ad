"""A call as each of its parties sees it (PhoneCallView, docs/reference/uapi.md §2).

One view per party that is still in the call. The first is the source's, which is what pollers read.
Several sources ring at once: each has a view until one answers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import IntEnum

from bridge.calls.state.answered_by_pbx import is_being_dialled
from bridge.calls.state.dialled_numbers import PUBLIC_DIGITS_MIN, asked_number
from bridge.calls.state.holding import holds_since_ms, on_hold_since_ms
from bridge.calls.state.phone_call import Leg, LegPhase, PhoneCall, Side
from bridge.directory.caller_ids import CallerId

_AT_ONCE_MS = 200
"""The channels that one Redirect moves are heard of within this time."""


class ViewStatus(IntEnum):
    """The status of a party in the UnifiedAPI."""

    UNKNOWN = 0
    OFF_HOOK = 1
    TRYING = 2
    RINGING = 3
    OTHER_SIDE_RINGING = 4
    ON_CALL = 5


@dataclass(frozen=True, slots=True)
class PhoneCallView:
    """A call as one of its parties sees it."""

    leg: Leg
    status: ViewStatus
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    caller_id: CallerId | None
    on_hold_ms: int | None = None
    """Since when this party holds the others, or is held by one of them."""
    holds: bool = False


WriteNumber = Callable[[str | None, str, str], str]
"""From a party's extension (None outside the directory), its number, and how its client wrote it,
empty where none did."""


def _as_written(extension: str | None, number: str, written: str) -> str:
    return written or number


def views_of(call: PhoneCall, write_number: WriteNumber = _as_written) -> list[PhoneCallView]:
    """The views of a live call; of an ended one, those of all its parties.

    `write_number` writes a number; the default keeps the spelling of the app that made the call.
    """
    # One that picked the source's ring up is later in the call than its destinations.
    present = sorted(_present(call), key=lambda x: not _is_source_in_talk(x))

    def names(side: Side) -> tuple[str, ...]:
        return tuple(
            write_number(x.extension, x.number, x.spelled) for x in present if x.side is side
        )

    sources, destinations = names(Side.SOURCE), names(Side.DESTINATION)
    service = _dialled_service(call)
    if service is not None:
        destinations = (write_number(service, service, ""), *destinations)
    elif not destinations and _dialled(call):
        destinations = (_dialled(call),)
    on_hold_ms = on_hold_since_ms(present) if call.final is None else None

    def view(leg: Leg) -> PhoneCallView:
        own_ms = holds_since_ms(leg) if on_hold_ms is not None else None
        since_ms = on_hold_ms if own_ms is None and leg.phase is LegPhase.UP else own_ms
        shown = _shown_to(call, leg)
        return PhoneCallView(
            leg, _status(call, leg), sources, destinations, shown, since_ms, own_ms is not None
        )

    return [view(x) for x in present]


def _is_source_in_talk(leg: Leg) -> bool:
    return leg.side is Side.SOURCE and leg.phase is LegPhase.UP


def is_call_of(call: PhoneCall, extension: str) -> bool:
    """Whether a live call is this extension's.

    The extension pays, is the dialled service, has the mailbox that took the call, or is still in
    the call.

    One whose phone no longer rings since another answered, or that transferred the call away, has
    nothing to do with it any more.
    """
    if extension in _named(call):
        return True  # most are: no need to look at the parties
    return any(leg.extension == extension for leg in _present(call))


def extensions_in(call: PhoneCall) -> frozenset[str | None]:
    """The extensions whose call a live call is, as `is_call_of` says; None may be among them."""
    return frozenset((*_named(call), *(leg.extension for leg in _present(call))))


def _named(call: PhoneCall) -> tuple[str | None, str | None, str | None]:
    """The extensions that a call is of without being a party."""
    return call.extension, _dialled_service(call), call.mailbox


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
    return digits == _dialled(call).removeprefix("+") and _is_unambiguous(call, extensions)


def _is_unambiguous(call: PhoneCall, extensions: Collection[str]) -> bool:
    """Whether what was dialled means to who asks what it means in this call: short numbers do
    within an organization only."""
    if len(call.dialled) >= PUBLIC_DIGITS_MIN or call.organization is None:
        return True
    return any(x.partition("*")[0] == call.organization for x in extensions)


def _dialled_service(call: PhoneCall) -> str | None:
    """The queue, IVR or conference that a phone dialled, while it is there; in the record of an
    ended call it stays."""
    left = call.left_service or _ivr_dials(call)
    return None if left and call.final is None else call.called_service


def _ivr_dials(call: PhoneCall) -> bool:
    """Whether the IVR has handed the caller on. If nobody answers, it may go on by itself."""
    return call.through_ivr and any(
        x.side is Side.DESTINATION and x.phase is not LegPhase.GONE for x in call.legs
    )


def _dialled(call: PhoneCall) -> str:
    """The number that was dialled; of a live call only while it goes there."""
    left = call.left_unnamed or _ivr_dials(call)
    return "" if left and call.final is None else call.dialled


def _present(call: PhoneCall) -> list[Leg]:
    if call.final is not None:
        # A party that came just before it was known that the call is two is one of the other call.
        return _one_each([x for x in call.legs if not (call.split_off and _came_to_go(x))])
    gone = {x.view_id for x in call.legs if x.phase is LegPhase.GONE or x.handed_over}
    picked_up = any(x.side is Side.SOURCE and x.phase is LegPhase.UP for x in call.legs)
    # Also where who answered is the source now, as the source has handed the call over.
    called = [x for x in call.legs if x.side is Side.DESTINATION or x.took_over]
    reached = any(x.answered_ms is not None for x in called)
    legs = []
    for leg in call.legs:
        if leg.side is Side.SOURCE:
            # One that was waiting when another picked up is out, before its channel is gone.
            loser = picked_up and leg.phase is not LegPhase.UP
        else:
            # One that was not registered never had a channel. (One that rings may be the target of
            # a transfer. One that is about to ring is.)
            loser = reached and leg.phase is LegPhase.WAITING and not _is_target(call, leg)
        if leg.view_id not in gone and not loser:
            legs.append(leg)
    return _one_each(legs or [x for x in call.legs if x.phase < LegPhase.GONE] or call.legs)


def _came_to_go(leg: Leg) -> bool:
    """Whether it has left for another call without an answer; a conference, as soon as it came."""
    if not leg.moved or leg.answered_ms is None:
        return leg.moved
    return leg.uniqueid is None and (leg.ended_ms or 0) - leg.answered_ms < _AT_ONCE_MS


def _is_target(call: PhoneCall, leg: Leg) -> bool:
    """Whether an app has had a party transferred there."""
    return leg is call.legs[-1] and asked_number(leg.number) == call.dialled


def _one_each(legs: Sequence[Leg]) -> list[Leg]:
    """One leg of each extension on each side, the one that tells most of it.

    A queue rings an agent again, a transfer brings back who has left: that is the same party.
    So is a public number that one carrier refused, and that was dialled through another.
    """
    best: dict[tuple[Side, str], Leg] = {}
    for at, leg in enumerate(legs):
        if _was_dialled_again(leg, legs[at + 1 :]):
            continue
        party = leg.side, leg.extension or f"{leg.number} {leg.view_id}"
        known = best.get(party)
        if known is None or _weight(leg) >= _weight(known):
            best[party] = leg
    return [x for x in legs if any(x is y for y in best.values())]


def _was_dialled_again(leg: Leg, later: Sequence[Leg]) -> bool:
    if leg.phase is not LegPhase.GONE or leg.answered_ms is not None or leg.dial:
        return False
    return leg.extension is None and any(
        x.side is leg.side and x.number == leg.number and x.extension is None for x in later
    )


def _weight(leg: Leg) -> tuple[LegPhase, bool]:
    phase = LegPhase.WAITING if leg.phase is LegPhase.GONE else leg.phase
    return phase, leg.answered_ms is not None


def _status(call: PhoneCall, leg: Leg) -> ViewStatus:
    if call.final is not None or leg.phase is LegPhase.GONE:
        return ViewStatus.UNKNOWN
    if leg.side is Side.DESTINATION:
        return _OF_CALLED_PHASE[leg.phase]
    if leg.phase is LegPhase.UP and (call.answered_ms or call.taken_ms) is not None:
        return _of_far_side(call, ViewStatus.ON_CALL)
    if leg.phase is LegPhase.UP:
        return _of_far_side(call, ViewStatus.OFF_HOOK)
    if leg.calls_in:
        status = _of_far_side(call, ViewStatus.OFF_HOOK)
        # A phone may be up before its caller: FollowMe() asks whether it takes the call.
        return ViewStatus.OTHER_SIDE_RINGING if status is ViewStatus.ON_CALL else status
    return ViewStatus.RINGING if leg.phase is LegPhase.RINGING else ViewStatus.TRYING


_OF_CALLED_PHASE = {
    LegPhase.WAITING: ViewStatus.UNKNOWN,
    LegPhase.TRYING: ViewStatus.TRYING,
    LegPhase.RINGING: ViewStatus.RINGING,
    LegPhase.UP: ViewStatus.ON_CALL,
}


def _of_far_side(call: PhoneCall, alone: ViewStatus) -> ViewStatus:
    """The status of the far side, as the caller hears it; `alone` while nothing is dialled
    there."""
    legs = [x for x in call.legs if x.side is Side.DESTINATION]
    if any(x.phase is LegPhase.UP for x in legs):
        return ViewStatus.ON_CALL
    # Once the PBX has taken the call, whoever was dialled before is no longer heard.
    phases = {x.phase for x in legs if call.taken_ms is None or is_being_dialled(x)}
    if LegPhase.RINGING in phases:
        return ViewStatus.OTHER_SIDE_RINGING
    return ViewStatus.TRYING if LegPhase.TRYING in phases else alone


def _shown_to(call: PhoneCall, leg: Leg) -> CallerId | None:
    if leg.side is Side.SOURCE:
        return call.caller_id
    return leg.shown_caller_id or call.destination_caller_id
