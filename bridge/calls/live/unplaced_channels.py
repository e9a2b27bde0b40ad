"""New channels of which the PBX does not tell yet whose they are.

Two calls that were one have the same Linkedid. A channel that appears with it is of the call whose
channel dials it, or whose bridge it enters. The halves of a Local channel are of one call. Until
one of these is known the channel's events are kept.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.calls.live.bridges import Bridges
from bridge.calls.live.call_index import CallIndex
from bridge.calls.state import pbx_events as ev
from bridge.calls.state.local_halves import half_beside, local_half
from bridge.calls.state.phone_call import PhoneCall

_CHANNELS_MAX = 64
_EVENTS_MAX = 16
"""Of one channel. It rings, and is up: more does not happen before its dial is told."""


class UnplacedChannels:
    """Their events, by Uniqueid, in the order in which they came."""

    def __init__(self) -> None:
        self._events: dict[str, list[ev.PbxEvent]] = {}
        self._linkedids: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._callers: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._events)

    def keep(self, uniqueid: str, linkedid: str, event: ev.PbxEvent) -> None:
        """Keep the event until the channel's call is known. A channel that is gone has none."""
        if isinstance(event, ev.ChannelHungUp):
            self._forget(uniqueid)
            return
        if uniqueid not in self._events and len(self._events) >= _CHANNELS_MAX:
            self._forget(next(iter(self._events)))
        events = self._events.setdefault(uniqueid, [])
        if len(events) < _EVENTS_MAX:
            events.append(event)
        self._linkedids[uniqueid] = linkedid
        if isinstance(event, ev.ChannelAppeared):
            self._names[uniqueid] = local_half(event.channel.name)
        elif isinstance(event, ev.DialBegun):
            self._names[uniqueid] = local_half(event.dialled.name)
            if event.caller is not None:
                self._callers[uniqueid] = event.caller

    def take(self, live: CallIndex, bridges: Bridges) -> tuple[str, list[ev.PbxEvent]] | None:
        """Remove one channel whose call is known by now; the call's id, and the events."""
        for uniqueid in self._events:
            call = self._call_of(uniqueid, live, bridges)
            if call is not None:
                return call.id, self._forget(uniqueid)
        return None

    def clear(self) -> None:
        """The PBX has listed all channels."""
        for uniqueid in list(self._events):
            self._forget(uniqueid)

    def _forget(self, uniqueid: str) -> list[ev.PbxEvent]:
        for known in (self._linkedids, self._names, self._callers):
            known.pop(uniqueid, None)
        return self._events.pop(uniqueid, [])

    def _call_of(self, uniqueid: str, live: CallIndex, bridges: Bridges) -> PhoneCall | None:
        linkedid = self._linkedids[uniqueid]
        if not live.is_shared(linkedid):
            return live.of_linkedid(linkedid)
        beside = half_beside(self._names.get(uniqueid, ""))
        for x in (self._callers.get(uniqueid), *bridges.beside(uniqueid)):
            call = live.of_channel(x) if x is not None else None
            if call is not None:
                return call
        if beside:
            for call in live.sharing(linkedid):
                if any(x.local == beside for x in call.channels.values()):
                    return call
        return None


def call_of_listed(
    channel: ev.ChannelSnapshot, listed: Mapping[str, ev.ChannelSnapshot], live: CallIndex
) -> PhoneCall | None:
    """The live call of a channel that a list of the PBX shows, and no call has. `listed`: all
    channels of that list."""
    if live.is_shared(channel.linkedid):
        half = half_beside(local_half(channel.name))
        for other in listed.values():
            beside = bool(channel.bridge) and other.bridge == channel.bridge
            if beside or (half and other.name == half):
                call = live.of_channel(other.uniqueid)
                if call is not None:
                    return call
    return live.of_linkedid(channel.linkedid)
