"""Two calls that become one: a phone connects the far ends of its two calls with each other.

The PBX gives all of it one Linkedid, but says so only with the next event of each channel, which
may be its last. The attended transfer itself is announced at once: that is when we join.
"""

from __future__ import annotations

from collections.abc import Container

from bridge.calls.state.acting_calls import listens
from bridge.calls.state.call_end import end, mark_hang_up
from bridge.calls.state.call_progress import connect
from bridge.calls.state.effects import Effect, HangUpChannel, LegProgressed, LegStep, Result
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.hangup_causes import NORMAL_CLEARING
from bridge.calls.state.legs import next_view_id, paid_by, with_source
from bridge.calls.state.phone_call import (
    Disposition,
    EndedBy,
    FinalRecord,
    Leg,
    LegPhase,
    Origin,
    PhoneCall,
    Side,
)
from bridge.calls.state.transfer_rule import is_public
from bridge.directory.caller_ids import CallerId

CHANNELS_MAX = 256
"""Of two calls that become one. A talk has few; that work would grow with each one more."""


def may_join(one: PhoneCall, other: PhoneCall) -> bool:
    """Whether these two can be one call; else each goes on by itself."""
    return len(one.channels) + len(other.channels) <= CHANNELS_MAX


def host_first(one: PhoneCall, other: PhoneCall) -> tuple[PhoneCall, PhoneCall]:
    """The call that goes on, and the one that joins it: a call of the API goes on, then the older.

    An app holds the id of its call and must be able to end it; else the PBX decides by age, too.
    A call that picks up or fetches another one joins that.
    """

    def place(call: PhoneCall) -> tuple[bool, bool, int]:
        return call.acts_on is not None, call.origin is not Origin.API, call.published_ms

    host, guest = sorted((one, other), key=place)
    return host, guest


def join(
    host: PhoneCall, other: PhoneCall, leaving: Container[str], at_ms: int
) -> tuple[Result, Result]:
    """`host` with the channels and parties of `other`, and `other`, which ends by that.

    `leaving`: uniqueids of channels that are about to go, those of the phone that transfers: they
    are not parties of the host. A party that moves does not end: its end is the host's to tell.
    """
    moving = [x for x in other.legs if _is_on(x, other.channels) and not _is_on(x, leaving)]
    legs = tuple(
        _moved(host, other, index, leg) for index, leg in enumerate(moving, int(next_view_id(host)))
    )
    joined = replace(
        paid_by(host, other.extension, other.extension_spelled, other.user_id, other.organization),
        channels={**host.channels, **other.channels},
        legs=(*host.legs, *legs),
        first_to_hang_up=None,
        # Nobody moves over from a service of the PBX: its number is what the host talks to now.
        dialled=host.dialled if moving else other.dialled or host.dialled,
        joined=(*host.joined, other.id, *other.joined),
        split_off=(*host.split_off, *other.split_off),
        shared_linkedids=tuple(dict.fromkeys((*host.shared_linkedids, *other.shared_linkedids))),
        local_transfers_only=host.local_transfers_only or other.local_transfers_only,
        allow_public_transfer=host.allow_public_transfer and other.allow_public_transfer,
    )
    effects: list[Effect] = [
        LegProgressed(at_ms, LegStep.ANSWERED, x) for x in legs if _answer_is_news(other, x)
    ]
    joined, connected = _connected(with_source(joined, leaving), other, leaving, at_ms)
    effects += connected
    if host.hang_up is not None:
        effects += [HangUpChannel(x) for x in other.channels]
    elif other.hang_up is not None:
        # The request to end the other call counts for its parties, and these are in the host now.
        joined = mark_hang_up(joined, other.hang_up.by, other.hang_up.at_ms)
        effects += [HangUpChannel(x) for x in joined.channels if x not in leaving]
    elif listens(host) or listens(other):
        # The phone that listens hands that over to another phone, which was not asked to listen.
        joined = mark_hang_up(joined, EndedBy.TRANSFER_RULE, at_ms)
        effects += [HangUpChannel(x) for x in joined.channels if x not in leaving]
    elif _breaks_rule(joined, leaving):
        # The dialplan keeps blind transfers local; an attended one is only known when it is done.
        joined = mark_hang_up(joined, EndedBy.TRANSFER_RULE, at_ms)
        effects += [HangUpChannel(x) for x in joined.channels if x not in leaving]
    return (joined, effects), _left(host, other, moving, leaving, at_ms)


def leaving_phone(one: PhoneCall, other: PhoneCall, entering: str) -> tuple[str, ...]:
    """The channels of the phone that talks in both calls while a third channel connects them.

    That phone transfers: it is in neither of them any more. `entering`: the uniqueid of that third
    channel, which has come into the bridge of the other call.
    """
    phones = [_phones_in_talk(call) for call in (one, other)]
    connecting = phones[0].keys() & phones[1].keys()
    found = tuple(by_endpoint[x] for x in sorted(connecting) for by_endpoint in phones)
    return () if entering in found else found


def _phones_in_talk(call: PhoneCall) -> dict[str, str]:
    """By endpoint, the channel of each extension that talks."""
    up = {x.uniqueid for x in call.legs if x.extension is not None and x.phase is LegPhase.UP}
    return {x.endpoint: x.uniqueid for x in call.channels.values() if x.uniqueid in up}


def _is_on(leg: Leg, channels: Container[str]) -> bool:
    return leg.uniqueid is not None and leg.uniqueid in channels


def _moved(host: PhoneCall, other: PhoneCall, index: int, leg: Leg) -> Leg:
    """The party as one of the host.

    No app ordered it there. A caller stays a caller. A phone that nobody answered and that picks a
    call up counts as called by it. If it picks up the ring of a source, it is a source.
    """
    told_answer = leg.told_answer or _answer_was_told(other, leg)
    moved = replace(
        leg,
        view_id=f"{index:02d}",
        spelled="" if other.acts_on is not None else leg.spelled,
        dial="",
        told_as=leg.told_as or other.id,
        told_answer=told_answer,
    )
    if _still_rings_source(host):
        return replace(moved, side=Side.SOURCE, calls_in=False)
    return replace(
        moved,
        side=Side.DESTINATION,
        called_first=leg.calls and told_answer,
        shown_caller_id=leg.shown_caller_id or (None if told_answer else _shown_in(host)),
    )


def _still_rings_source(call: PhoneCall) -> bool:
    """Whether the PBX rang every source of the call, and none has answered.

    No destination is dialled before that: a phone that comes in takes the place of a source.
    """
    sources = [x for x in call.legs if x.side is Side.SOURCE]
    return bool(sources) and not any(x.calls_in or x.answered_ms is not None for x in sources)


def _shown_in(call: PhoneCall) -> CallerId | None:
    """The caller id shown to a party that joins as called, without being dialled."""
    source = next((x for x in call.legs if x.side is Side.SOURCE and not x.handed_over), None)
    if source is not None and source.took_over:
        return CallerId("", source.number.rpartition("*")[2])
    shown = (x.shown_caller_id for x in call.legs if x.side is Side.DESTINATION)
    return next((x for x in shown if x is not None), None)


def _answer_was_told(call: PhoneCall, leg: Leg) -> bool:
    if leg.calls:
        return call.answered_ms is not None and leg.phase is LegPhase.UP
    return leg.answered_ms is not None


def _answer_is_news(other: PhoneCall, moved: Leg) -> bool:
    """It is up, but had nobody to talk to before."""
    return moved.phase is LegPhase.UP and not moved.told_answer


def _connected(joined: PhoneCall, other: PhoneCall, leaving: Container[str], at_ms: int) -> Result:
    """The joined call, answered if those who stay talk now, or if there was talk in `other`."""
    if joined.answered_ms is not None:
        return joined, []
    staying = tuple(x for x in joined.legs if not _is_on(x, leaving))
    now, effects = connect(replace(joined, legs=staying), at_ms)
    answered_ms = now.answered_ms
    if other.answered_ms is not None and _has_talked(other):
        # A call that rings is not answered before that.
        before_ms = max(other.answered_ms, joined.ringing_ms or other.answered_ms)
        answered_ms = min(before_ms, answered_ms or before_ms)
    return replace(joined, answered_ms=answered_ms), effects


def _has_talked(call: PhoneCall) -> bool:
    """Whether two parties talked in it, and not one to a service of the PBX, as `*8`."""
    return any(x.side is Side.DESTINATION and x.answered_ms is not None for x in call.legs)


def _breaks_rule(call: PhoneCall, leaving: Container[str]) -> bool:
    """Whether the call must not connect those who are left in it: nobody is of the directory."""
    staying = [x for x in call.legs if x.uniqueid in call.channels and x.uniqueid not in leaving]
    if len(staying) < 2 or any(x.extension is not None for x in staying):
        return False
    return call.local_transfers_only or (
        not call.allow_public_transfer and all(is_public(x) for x in staying)
    )


def _left(
    host: PhoneCall, other: PhoneCall, moving: list[Leg], leaving: Container[str], at_ms: int
) -> Result:
    by = EndedBy.PBX
    for leg in other.legs:
        if leg.uniqueid is not None and leg.uniqueid in leaving:
            by = EndedBy.SOURCE if leg.side is Side.SOURCE else EndedBy.DESTINATION
    left = replace(
        other,
        legs=tuple(
            replace(x, phase=LegPhase.GONE, ended_ms=at_ms, moved=True) if x in moving else x
            for x in other.legs
        ),
    )
    answered = other.answered_ms is not None and (not moving or _has_talked(other))
    return end(
        left,
        FinalRecord(
            at_ms,
            Disposition.ANSWERED if answered else Disposition.UNKNOWN,
            by if other.hang_up is None else other.hang_up.by,
            f"joined call {host.id}",
            NORMAL_CLEARING,
        ),
    )
