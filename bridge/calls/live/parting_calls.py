"""Calls that are two from now on, and which of them a channel is of (docs/parties.md).

Nobody tells of the Redirect that moves two apart. Their next events tell: each dials, talks to
somebody else, or is in a conference of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from bridge.calls.live.bridges import Bridges
from bridge.calls.live.call_index import CallIndex
from bridge.calls.live.ended_ids import EndedIds
from bridge.calls.live.unplaced_channels import UnplacedChannels
from bridge.calls.state import pbx_events as ev
from bridge.calls.state.effects import AskChannel, Effect
from bridge.calls.state.party_lookup import PartyLookup
from bridge.calls.state.phone_call import LegPhase, PhoneCall, derived_call_id
from bridge.calls.state.questions import is_with_pbx
from bridge.calls.state.splitting import (
    CONFERENCE,
    PBX,
    alone_in,
    carry,
    split,
    taken_along,
    talk_apart,
)

TELL_OF_PARTING = frozenset(
    {ev.ChannelBridged, ev.DialBegun, ev.ConferenceJoined, ev.ConferenceLeft, ev.ChannelRuns}
)
"""The kinds of events that `PartingCalls.by` and `left_alone` look at."""


class PartingCalls:
    """`bridges` is kept current with the events that it looks at. `ended`: the ids that are used
    up."""

    def __init__(
        self, live: CallIndex, bridges: Bridges, parties: PartyLookup, ended: EndedIds
    ) -> None:
        self.unplaced = UnplacedChannels()
        self._live = live
        self._bridges = bridges
        self._parties = parties
        self._ended = ended

    def by(self, event: ev.PbxEvent) -> Iterator[tuple[PhoneCall | None, PhoneCall]]:
        """The calls that this event changes before it is applied: each before and after, None
        before a new call. The caller keeps each of them before it asks for the next."""
        apart = self._apart(event)
        if apart is not None:
            yield from self._split(*apart, event.at_ms)
        if isinstance(event, ev.DialBegun) and event.caller is not None:
            yield from self._claimed(event, event.caller)

    def left_alone(self, event: ev.PbxEvent) -> tuple[PhoneCall, list[Effect]] | None:
        """The call in which a party dials, while another one that it talked to stays: somebody else
        has moved it, too, or it is about to go. The PBX is asked about that one."""
        if not isinstance(event, ev.DialBegun) or event.caller is None:
            return None
        call = self._live.of_channel(event.caller)
        if call is None or _up(call) < 2:
            return None
        alone = alone_in(call, self._bridges.of(call.channels), event.caller)
        return (call, [AskChannel(x) for x in alone]) if alone else None

    def placed(self) -> Iterator[tuple[PhoneCall, ev.PbxEvent]]:
        """The events that were kept of channels whose call is known by now, with that. The
        caller applies each of them before it asks for the next."""
        while (found := self.unplaced.take(self._live, self._bridges)) is not None:
            call_id, events = found
            for event in events:
                call = self._live.get(call_id)
                if call is not None:
                    yield call, event

    def _apart(self, event: ev.PbxEvent) -> tuple[PhoneCall, frozenset[str]] | None:
        if isinstance(event, ev.ChannelBridged):
            return self._talks_apart(event.uniqueid, least=4)
        if isinstance(event, ev.DialBegun) and event.caller is not None:
            self._bridges.step_out(event.caller)
            return self._talks_apart(event.caller, event.dialled.uniqueid, least=2)
        if isinstance(event, ev.ConferenceJoined):
            self._bridges.enter(event.uniqueid, CONFERENCE + event.conference)
            return self._talks_apart(event.uniqueid, least=2)
        if isinstance(event, ev.ConferenceLeft):
            self._bridges.step_out(event.uniqueid)
        elif isinstance(event, ev.ChannelRuns) and is_with_pbx(event):
            self._bridges.step_out(event.uniqueid)
            return self._talks_apart(event.uniqueid, PBX, least=2)
        return None

    def _talks_apart(
        self, acts: str, dials: str = "", *, least: int
    ) -> tuple[PhoneCall, frozenset[str]] | None:
        """`least`: how many parties are up by now, if two talk apart."""
        call = self._live.of_channel(acts)
        if call is None or _up(call) < least:
            return None
        channels = talk_apart(call, self._bridges.of(call.channels), acts, dials)
        return None if channels is None else (call, channels)

    def _split(
        self, call: PhoneCall, channels: frozenset[str], at_ms: int
    ) -> Iterator[tuple[PhoneCall | None, PhoneCall]]:
        call_id = derived_call_id(call.pbx, f"{call.linkedid} {min(channels)} {at_ms}")
        if call_id in self._ended or self._live.get(call_id) is not None:
            return  # twice in one millisecond: no event of Asterisk says that
        linkedids = self._live.linkedids(call)
        stays, apart = split(call, channels, call_id, linkedids, at_ms, self._parties)
        yield call, stays
        yield None, apart

    def _claimed(
        self, event: ev.DialBegun, caller: str
    ) -> Iterator[tuple[PhoneCall | None, PhoneCall]]:
        """A call dials a channel that appeared in the call that it was one with."""
        dialled = event.dialled.uniqueid
        by, had = self._live.of_channel(caller), self._live.of_channel(dialled)
        if by is None or had is None or by.id == had.id:
            return
        if set(by.shared_linkedids).isdisjoint(had.shared_linkedids):
            return
        channels = taken_along(had, self._bridges.of(had.channels), dialled)
        if channels is not None:
            left, has = carry(had, by, channels, event.at_ms)
            yield had, left
            yield by, has


def _up(call: PhoneCall) -> int:
    up = 0
    for leg in call.legs:
        if leg.phase is LegPhase.UP:
            up += 1
    return up
