"""Local channels: who is behind whom (docs/parties.md).

A Local channel is two halves, named `…;1` and `…;2`. The first half is dialled, or originated, as a
phone would be; the second runs the dialplan, which dials whoever is meant. So a half is not a
party: it says that whoever its second half dials stands where its first half was dialled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bridge.calls.state.phone_call import CallChannel, Leg, LegPhase, PhoneCall

_FIRST, _SECOND = ";1", ";2"
_NESTED_MAX = 16  # more than Asterisk has ever been seen to nest


def local_half(channel_name: str) -> str:
    """The name of the channel where it is half a Local channel, else ""."""
    halves = channel_name.startswith("Local/") and channel_name.endswith((_FIRST, _SECOND))
    return channel_name if halves else ""


def half_beside(half: str) -> str:
    """The name of the other half of the Local channel with a half of this name; "" of ""."""
    name, end = half[: -len(_FIRST)], half[-len(_FIRST) :]
    return name + (_SECOND if end == _FIRST else _FIRST) if half else ""


def is_half(call: PhoneCall, uniqueid: str | None) -> bool:
    """Whether that is a living half of a Local channel."""
    channel = call.channels.get(uniqueid or "")
    return channel is not None and channel.local != ""


def halves_before(call: PhoneCall, dialler: str | None) -> Iterator[CallChannel]:
    """The first halves through which `dialler` came to dial, the nearest one first."""
    for _ in range(_NESTED_MAX):
        first = _first_half(call, dialler)
        if first is None:
            return
        yield first
        dialler = first.dialled_by


def outermost(call: PhoneCall, dialler: str | None) -> CallChannel | None:
    """The half that was dialled, or originated, in place of whom `dialler` dials now."""
    last = None
    for half in halves_before(call, dialler):
        last = half
    return last


def without_passed_services(call: PhoneCall, legs: Iterable[Leg]) -> list[Leg]:
    """These parties, without a service that has connected the caller with one of the others.

    In a call of the API a queue is a party on its half of a Local channel, and stays there. The
    agent behind it is who talks.
    """
    legs = list(legs)
    return [x for x in legs if not is_half(call, x.uniqueid)] or legs


def party_through(call: PhoneCall, uniqueid: str) -> Leg | None:
    """The party in talk that hears through this half of a Local channel.

    A service on its own half is that party where it has connected nobody.
    """
    seen, halves, service = {uniqueid}, [uniqueid], None
    for _ in range(_NESTED_MAX):
        other = other_half(call, halves.pop()) if halves else None
        if other is None:
            return service
        beside = [x for x in call.channels.values() if x.dialled_by == other.uniqueid]
        beside += [call.channels[x] for x in (other.dialled_by,) if x in call.channels]
        ids = {x.uniqueid for x in beside}
        talks = [x for x in call.legs if x.uniqueid in ids and x.phase is LegPhase.UP]
        phones = [x for x in talks if not is_half(call, x.uniqueid)]
        if phones:
            return phones[0]
        service = service or next(iter(talks), None)
        halves += [x.uniqueid for x in beside if x.local and x.uniqueid not in seen]
        seen |= {other.uniqueid, *ids}
    return service


def dialled_text(half: CallChannel) -> str:
    """The dial string of the Local channel: `3235550200` of `Local/3235550200@outbound`."""
    return half.endpoint.removeprefix("Local/").partition("@")[0]


def may_be_dialled_again(call: PhoneCall, leg: Leg) -> bool:
    """Whether the party stays although its channel has gone: a public number that has not answered
    may be dialled once more, through another carrier."""
    return leg.behind in call.channels and leg.extension is None and leg.answered_ms is None


def is_without_channel(call: PhoneCall, leg: Leg) -> bool:
    """Whether the party was dialled, has not ended, and has no channel left."""
    if leg.phase in (LegPhase.WAITING, LegPhase.GONE):
        return False
    channels = (leg.uniqueid, leg.behind, *leg.other_devices, *leg.members)
    return not any(x in call.channels for x in channels)


def _first_half(call: PhoneCall, second: str | None) -> CallChannel | None:
    channel = call.channels.get(second or "")
    if channel is None or not channel.local.endswith(_SECOND):
        return None
    name = channel.local.removesuffix(_SECOND) + _FIRST
    return next((x for x in call.channels.values() if x.local == name), None)


def other_half(call: PhoneCall, uniqueid: str) -> CallChannel | None:
    """The other half of that Local channel, if it lives."""
    half = call.channels.get(uniqueid)
    if half is None or not half.local:
        return None
    name = half_beside(half.local)
    return next((x for x in call.channels.values() if x.local == name), None)
