"""Two calls that become one: a phone connects the far ends of its two calls with each other.

The PBX gives all of it one Linkedid, but says so only with the next event of each channel, which
may be its last. The attended transfer itself is announced at once: that is when we join.
"""

from __future__ import annotations

from collections.abc import Container

from bridge.calls.effects import Effect, HangUpChannel
from bridge.calls.final_record import NORMAL_CLEARING
from bridge.calls.legs import with_source
from bridge.calls.phone_call import (
    Disposition,
    EndedBy,
    FinalRecord,
    Leg,
    LegPhase,
    Origin,
    PhoneCall,
    Side,
)
from bridge.calls.replace import replace
from bridge.calls.transition import Result, end, mark_hang_up


def host_first(one: PhoneCall, other: PhoneCall) -> tuple[PhoneCall, PhoneCall]:
    """The call that goes on, and the one that joins it: a call of the API goes on, then the older.

    An app holds the id of its call and must be able to end it; else the PBX decides by age, too.
    """
    host, guest = sorted((one, other), key=lambda x: (x.origin is not Origin.API, x.published_ms))
    return host, guest


def join(
    host: PhoneCall, other: PhoneCall, leaving: Container[str], at_ms: int
) -> tuple[Result, Result]:
    """`host` with the channels and parties of `other`, and `other`, which ends by that.

    `leaving`: uniqueids of channels that are about to go, those of the phone that transfers: they
    are no parties of the host. A party that moves does not end: its end is the host's to tell.
    """
    moving = [x for x in other.legs if x.uniqueid in other.channels and x.uniqueid not in leaving]
    legs = (
        replace(leg, view_id=f"{len(host.legs) + index:02d}", side=Side.DESTINATION)
        for index, leg in enumerate(moving)
    )
    joined = replace(
        _paid(host, other),
        channels={**host.channels, **other.channels},
        legs=(*host.legs, *legs),
        answered_ms=host.answered_ms if host.answered_ms is not None else other.answered_ms,
        first_to_hang_up=None,
        # Nobody moves over from a service of the PBX: its number is what the host talks to now.
        dialled=host.dialled if moving else other.dialled or host.dialled,
    )
    effects: list[Effect] = []
    if host.hang_up is not None:
        effects += [HangUpChannel(x) for x in other.channels]
    elif other.hang_up is not None:
        # Who asked for the end of one means whoever talks in it, wherever they are now.
        joined = mark_hang_up(joined, other.hang_up.by, other.hang_up.at_ms)
        effects += [HangUpChannel(x) for x in joined.channels if x not in leaving]
    elif (host.local_transfers_only or other.local_transfers_only) and _is_public(joined, leaving):
        # The dialplan keeps blind transfers local; an attended one is only known when it is done.
        joined = mark_hang_up(joined, EndedBy.TRANSFER_RULE, at_ms)
        effects += [HangUpChannel(x) for x in joined.channels if x not in leaving]
    return (with_source(joined, leaving), effects), _left(host, other, moving, leaving, at_ms)


def _is_public(call: PhoneCall, leaving: Container[str]) -> bool:
    """Whether nobody of the directory is left in the call."""
    staying = [x for x in call.legs if x.uniqueid in call.channels and x.uniqueid not in leaving]
    return len(staying) > 1 and all(x.extension is None for x in staying)


def _paid(host: PhoneCall, other: PhoneCall) -> PhoneCall:
    if host.extension is not None:
        return host
    return replace(
        host,
        extension=other.extension,
        extension_spelled=other.extension_spelled,
        user_id=other.user_id,
        organization=other.organization,
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
            replace(x, phase=LegPhase.GONE, ended_ms=at_ms) if x in moving else x
            for x in other.legs
        ),
    )
    answered = other.answered_ms is not None
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
