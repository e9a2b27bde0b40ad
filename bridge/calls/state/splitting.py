"""One call that becomes two: somebody else moves two who talk apart, each to somebody else.

No event tells of it, and the PBX gives both talks one Linkedid. Two groups of channels are two
talks if they share no bridge, no dial, no conference and no Local channel (docs/parties.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from bridge.calls.state.fast_replace import replace
from bridge.calls.state.legs import adopt, next_view_id, paid_by, with_source
from bridge.calls.state.local_halves import is_half, other_half
from bridge.calls.state.party_lookup import PartyLookup
from bridge.calls.state.phone_call import (
    Flow,
    Leg,
    LegPhase,
    Origin,
    PhoneCall,
    Side,
)

PBX = "an application"
"""Stands for whom a channel dials where it talks to the PBX itself."""
CONFERENCE = "conference "
"""Begins the name of a conference where that stands for a bridge."""
_CHANNELS_MAX = 64
"""Of a call that is looked at. The work grows with each; two talks and what they ring have few."""


def talkers(call: PhoneCall) -> list[Leg]:
    """The parties that are up on a channel of their own, and wait in nobody's parking lot or
    hold."""
    return [
        x
        for x in call.legs
        if x.phase is LegPhase.UP
        and x.uniqueid in call.channels
        and not x.handed_over
        and x.parking is None
        and x.api_hold is None
        and not is_half(call, x.uniqueid)
    ]


def talk_apart(
    call: PhoneCall, bridges: Mapping[str, str], acts: str, dials: str = ""
) -> frozenset[str] | None:
    """The channels that are a call of their own from now on; None while it is one call.

    `bridges`: the bridge or conference of each channel that has been in one; empty while it dials.
    `acts`: the channel that has just come into one, or dials the channel `dials`, or talks
    to the PBX.
    """
    if call.hang_up is not None or len(call.channels) > _CHANNELS_MAX or _lacks_a_half(call):
        return None
    groups = _groups(call, bridges, {dials: acts} if dials in call.channels else {})
    own = next((x for x in groups if acts in x), None)
    if own is None or not any(x.uniqueid in own for x in talkers(call)):
        return None
    if not dials and not _talks(call, own, bridges):
        return None
    found = [x for x in groups if x is own or _talks(call, x, bridges)]
    if len(found) == 1:
        return None
    # The one with the first channel keeps the id; else the one with the oldest party.
    keeps = min(found, key=lambda x: _age(call, x))
    return next(x for x in found if x is not keeps) if keeps is own else own


def alone_in(call: PhoneCall, bridges: Mapping[str, str], acts: str) -> list[str]:
    """The channels of parties that are alone in their bridge, while the party on `acts` dials."""
    if call.hang_up is not None or not any(x.uniqueid == acts for x in talkers(call)):
        return []
    there = Counter(bridges.values())
    found = [x.uniqueid or "" for x in talkers(call) if x.uniqueid != acts]
    return [x for x in found if bridges.get(x) and there[bridges[x]] == 1]


def split(
    call: PhoneCall,
    channels: Collection[str],
    call_id: str,
    linkedids: Iterable[str],
    at_ms: int,
    parties: PartyLookup,
) -> tuple[PhoneCall, PhoneCall]:
    """`call` without these channels and their parties, and the call that these are now: `call_id`.

    `linkedids`: those of the call; from now on the PBX gives them to channels of both. A party that
    moves does not end: its end is told by the new call, under the id of the old one.
    """
    moving = [x for x in call.legs if x.phase < LegPhase.GONE and _is_on(x, channels)]
    apart = _apart(call, channels, call_id, moving, at_ms, parties)
    shared = tuple(dict.fromkeys((*linkedids, *call.shared_linkedids)))
    gone_to = {x.extension or x.number for x in moving}
    dialled = call.dialled if "*" in call.dialled else f"{call.organization}*{call.dialled}"
    stays = replace(
        call,
        legs=tuple(_gone(x, at_ms) if x in moving else x for x in call.legs),
        channels={k: v for k, v in call.channels.items() if k not in channels},
        first_to_hang_up=None,
        # Whom the source has dialled is in the other call: its number does not mean this one.
        left_unnamed=call.left_unnamed or call.dialled in gone_to or dialled in gone_to,
        split_off=(*call.split_off, apart.id),
        shared_linkedids=shared,
    )
    return with_source(stays, ()), replace(apart, shared_linkedids=shared)


def taken_along(
    call: PhoneCall, bridges: Mapping[str, str], uniqueid: str
) -> frozenset[str] | None:
    """The channels that ring with this one, which another call dials; None if somebody in `call`
    talks on one of them.

    A channel that appears with a Linkedid of two calls may be either's until its dial is told.
    """
    group = next(x for x in _groups(call, bridges, {}) if uniqueid in x)
    if group == call.channels.keys() or call.first_channel in group:
        return None
    return None if any(x.uniqueid in group for x in talkers(call)) else group


def carry(
    call: PhoneCall, other: PhoneCall, channels: Collection[str], at_ms: int
) -> tuple[PhoneCall, PhoneCall]:
    """`call` without these channels and their parties, and `other` with them."""
    moving = [x for x in call.legs if x.phase < LegPhase.GONE and _is_on(x, channels)]
    begin = int(next_view_id(other))
    legs = [_moved(call, index, leg, channels) for index, leg in enumerate(moving, begin)]
    gone = {k: v for k, v in call.channels.items() if k in channels}
    return (
        replace(
            call,
            legs=tuple(_gone(x, at_ms) if x in moving else x for x in call.legs),
            channels={k: v for k, v in call.channels.items() if k not in channels},
        ),
        replace(other, legs=(*other.legs, *legs), channels={**other.channels, **gone}),
    )


def _gone(leg: Leg, at_ms: int) -> Leg:
    """The party in the call that it has left. A party that others called stays a called one."""
    leg = replace(leg, phase=LegPhase.GONE, ended_ms=at_ms, moved=True)
    return replace(leg, side=Side.DESTINATION, took_over=False) if leg.took_over else leg


def _apart(
    call: PhoneCall,
    channels: Collection[str],
    call_id: str,
    moving: list[Leg],
    at_ms: int,
    parties: PartyLookup,
) -> PhoneCall:
    # Its source first, as in any call; else whoever is up.
    legs = sorted(moving, key=lambda x: (x.side is not Side.SOURCE, x.phase is not LegPhase.UP))
    root = next((x.uniqueid for x in legs if x.phase is LegPhase.UP and x.uniqueid), min(channels))
    apart = PhoneCall(
        id=call_id,
        pbx=call.pbx,
        linkedid=root,
        origin=Origin.PHONE,
        flow=Flow.LOCAL,
        published_ms=at_ms,
        duration_s=call.duration_s,
        destination_caller_id=call.destination_caller_id,
        local_transfers_only=call.local_transfers_only,
        allow_public_transfer=call.allow_public_transfer,
        legs=tuple(_moved(call, index, leg, channels) for index, leg in enumerate(legs)),
        channels={k: v for k, v in call.channels.items() if k in channels},
        split_from=call.id,
    )
    apart = with_source(apart, ())
    source = next((x for x in apart.legs if x.side is Side.SOURCE), None)
    if source is not None and source.extension is None:
        apart = replace(apart, origin=Origin.TRUNK, flow=Flow.INCOMING)
    elif any(x.extension is None for x in apart.legs):
        apart = replace(apart, flow=Flow.OUTGOING)
    for leg in apart.legs:
        apart = adopt(apart, parties.by_number(leg.extension) if leg.extension else None)
    apart = paid_by(apart, call.extension, call.extension or "", call.user_id, call.organization)
    talk = [x.answered_ms for x in apart.legs if x.phase is LegPhase.UP]
    return replace(apart, answered_ms=at_ms) if len(talk) > 1 else apart


def _moved(call: PhoneCall, index: int, leg: Leg, channels: Collection[str]) -> Leg:
    """The party as one of the new call. No app ordered it there."""
    told = leg.answered_ms is not None and (not leg.calls or call.answered_ms is not None)
    members = tuple(x for x in leg.members if x in channels)
    return replace(
        leg,
        view_id=f"{index:02d}",
        spelled="",
        dial="",
        behind=leg.behind if leg.behind in channels else None,
        members=members,
        told_as=leg.told_as or call.id,
        told_answer=leg.told_answer or told,
    )


def _is_on(leg: Leg, channels: Collection[str]) -> bool:
    return any(x in channels for x in (leg.uniqueid, *leg.other_devices, *leg.members))


def _lacks_a_half(call: PhoneCall) -> bool:
    """Whether a Local channel is known by half: who is behind it is not known then."""
    return any(x.local and other_half(call, x.uniqueid) is None for x in call.channels.values())


def _talks(call: PhoneCall, group: Collection[str], bridges: Mapping[str, str]) -> bool:
    """Whether a party in it talks to somebody, calls somebody, or is in a conference."""
    up = [x for x in talkers(call) if x.uniqueid in group]
    there = [
        x
        for x in call.legs
        if LegPhase.WAITING < x.phase < LegPhase.GONE and not x.handed_over and _is_on(x, group)
    ]
    confers = any(bridges.get(x.uniqueid or "", "").startswith(CONFERENCE) for x in up)
    return bool(up) and (confers or sum(not x.members for x in there) > 1)


def _age(call: PhoneCall, group: Collection[str]) -> tuple[bool, int]:
    at = (index for index, x in enumerate(call.legs) if _is_on(x, group))
    return call.first_channel not in group, min(at, default=len(call.legs))


def _groups(
    call: PhoneCall, bridges: Mapping[str, str], dials: Mapping[str, str]
) -> list[frozenset[str]]:
    """The channels that are together, by the uniqueids."""
    group_of: dict[str, set[str]] = {x: {x} for x in call.channels}

    def together(one: str, other: str | None) -> None:
        if other not in group_of or group_of[one] is group_of[other]:
            return
        group_of[other] |= group_of[one]
        for uniqueid in group_of[one]:
            group_of[uniqueid] = group_of[other]

    first_in: dict[str, str] = {}
    for uniqueid, channel in call.channels.items():
        bridge = bridges.get(uniqueid)
        if bridge is None:
            together(uniqueid, channel.dialled_by)  # it rings, or nobody has said what it does
        elif bridge:
            together(uniqueid, first_in.setdefault(bridge, uniqueid))
        half = other_half(call, uniqueid)
        together(uniqueid, None if half is None else half.uniqueid)
    for uniqueid, by in dials.items():
        together(uniqueid, by)
    for leg in call.legs:
        own = [x for x in (leg.uniqueid, *leg.other_devices) if x in group_of]
        hold = () if leg.api_hold is None else (leg.api_hold.held, leg.api_hold.waiting)
        for uniqueid in (*own[1:], *(x for x in hold if x in group_of)):
            together(uniqueid, own[0] if own else None)
    return list({id(x): frozenset(x) for x in group_of.values()}.values())
