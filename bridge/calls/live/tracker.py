"""All live calls of one PBX: which event belongs to which call.

No I/O: events and snapshots in, changes out, in order. The same stream gives the same changes.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping
from typing import NamedTuple

from bridge.calls.live.bridges import Bridges
from bridge.calls.live.call_index import CallIndex
from bridge.calls.live.change import Change
from bridge.calls.live.ended_ids import EndedIds
from bridge.calls.live.held_answers import HELD_EVENTS, HeldAnswers, HeldEvent, is_to_be_held
from bridge.calls.live.meeting_calls import TELL_OF_MEETINGS, meetings
from bridge.calls.live.new_call import new_call
from bridge.calls.live.orphans import OrphanNames
from bridge.calls.live.others_originates import OthersOriginates
from bridge.calls.live.parting_calls import TELL_OF_PARTING, PartingCalls
from bridge.calls.live.unplaced_channels import call_of_listed
from bridge.calls.state import call_end
from bridge.calls.state import pbx_events as ev
from bridge.calls.state.effects import Effect
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.joining import host_first, join, may_join
from bridge.calls.state.party_lookup import PartyLookup
from bridge.calls.state.phone_call import (
    EndedBy,
    FinalRecord,
    Origin,
    PhoneCall,
)
from bridge.calls.state.reconcile import Window, reconcile, root_first
from bridge.calls.state.transition import apply
from bridge.calls.state.uninvited_phones import is_uninvited, with_uninvited


class Recorded(NamedTuple):
    """The fields of a PhoneCall that tell of its recording."""

    since_ms: int | None
    recording_id: str | None
    being_recorded: bool


class CallTracker:
    """`live`: the calls that have not ended; read it freely, change it through the tracker only.

    `orphans`: uniqueids of channels heard of that belong to a call that was ended without them;
    whoever takes them from the list hangs them up. No call is made of them.
    `held`: news that is kept back for HELD_MS, or until `apply_held`.
    """

    def __init__(self, pbx: str, parties: PartyLookup) -> None:
        self.live = CallIndex()
        self.orphans: list[str] = []
        self._orphan_names = OrphanNames()
        self._ended = EndedIds()
        self.held = HeldAnswers()
        self._bridges = Bridges()
        self._parting = PartingCalls(self.live, self._bridges, parties, self._ended)
        self._others_originates = OthersOriginates()
        self._pbx = pbx
        self._parties = parties

    def add(self, call: PhoneCall) -> None:
        """Take up a call that was accepted or restored; its events may come from now on."""
        self.live.store(None, call)

    def drop(self, call_id: str) -> None:
        """Forget a call that was never placed."""
        call = self.live.get(call_id)
        if call is not None:
            self.live.forget(call)

    def mark_hang_up(self, call_id: str, by: EndedBy, at_ms: int) -> PhoneCall | None:
        """Mark the live call to end, and return it; None if it is not live."""
        call = self.live.get(call_id)
        if call is None:
            return None
        marked = call_end.mark_hang_up(call, by, at_ms)
        self.live.store(call, marked)
        return marked

    def confirm_hang_up(self, call_id: str) -> None:
        """The PBX has ended the first channel of a marked call.

        The caller makes sure that no channel of the call outlives that one.
        """
        call = self.live.get(call_id)
        if call is not None:
            self.live.store(call, call_end.confirm_hang_up(call))

    def change(self, call_id: str, after_of: Callable[[PhoneCall], PhoneCall]) -> list[Change]:
        """Change the live call without an event. Returns one change, or none."""
        call = self.live.get(call_id)
        return [] if call is None else self._changed(call, after_of(call), [])

    def note_recording(self, call_id: str, noted: Recorded | None) -> PhoneCall | None:
        """Keep the state of the call's recording; None: it has none, or it is deleted.

        Returns the call if it is live and its state changed.
        """
        call = self.live.get(call_id)
        if call is None:
            return None
        since_ms, recording_id, being_recorded = noted or Recorded(None, None, False)
        after = replace(
            call,
            recorded_since_ms=since_ms,
            recording_id=recording_id,
            being_recorded=being_recorded,
        )
        if after == call:
            return None
        self.live.store(call, after)
        return after

    def order_recording(self, call_id: str, wanted: bool | None) -> PhoneCall | None:
        """Keep what an app has ordered of the call's recording; None: nothing. The live call, or
        None."""
        call = self.live.get(call_id)
        if call is None:
            return None
        after = replace(call, recording_order=wanted)
        self.live.store(call, after)
        return after

    def end(self, call_id: str, final: FinalRecord) -> list[Change]:
        """End a call whatever the PBX says of it; what it has of it then is an orphan.

        Returns the changes: none if the call is not live.
        """
        call = self.live.get(call_id)
        if call is None:
            return []
        self._remember_orphans(call)
        return self._changed(call, *call_end.end(call, final))

    def rename(self, call_id: str, other_id: str, final: FinalRecord) -> list[Change]:
        """The call goes on under another id; the first one ends, with this record."""
        call = self.live.get(call_id)
        if call is None:
            return []
        ended = self._changed(call, *call_end.end(call, final), goes_on_in=other_id)
        return [*ended, *self._changed(None, replace(call, id=other_id), [])]

    def event(self, event: ev.PbxEvent) -> list[Change]:
        """The changes that the event causes: none, one, or several if two calls become one."""
        due = self.apply_due(event.at_ms) if self.held else []
        if isinstance(event, HELD_EVENTS):
            call = self.live.of_channel(event.uniqueid)
            if call is not None and is_to_be_held(call, event):
                self.held.hold(event)
                told = self._others_originates.told_before(call.id, event.at_ms)
                return due if told is None else [*due, *self._originate_ended(told)]
        changes = self._event(event)
        return [*due, *changes] if due else changes

    def apply_due(self, at_ms: int) -> list[Change]:
        """Apply the answers that were held long enough at that moment of the PBX."""
        return self._apply_answers(self.held.due(at_ms))

    def apply_held(self, uniqueid: str) -> list[Change]:
        """Apply the held answer of that channel, if there is one."""
        held = self.held.take(uniqueid)
        return [] if held is None else self._apply_answers([held])

    def _apply_answers(self, held: Iterable[HeldEvent]) -> list[Change]:
        changes: list[Change] = []
        for event in held:
            call = self.live.of_channel(event.uniqueid)
            if call is not None:
                changes += self._apply(call, event)
        return changes

    def _event(self, event: ev.PbxEvent) -> list[Change]:
        kind = event.__class__
        changes: list[Change] = []
        if kind in TELL_OF_MEETINGS:
            for one, other, leaving in meetings(event, self.live, self._bridges):
                changes += self._join(*host_first(one, other), leaving, event.at_ms, event)
        if kind in TELL_OF_PARTING:
            for before, after in self._parting.by(event):
                changes += self._changed(before, after, [], event)
            left = self._parting.left_alone(event)
            changes += [] if left is None else self._changed(left[0], *left, event)
        changes += self._event_of_call(event)
        if self._parting.unplaced:
            for call, kept in self._parting.placed():
                changes += self._apply(call, kept)
        return changes

    def _event_of_call(self, event: ev.PbxEvent) -> list[Change]:
        if isinstance(event, ev.ChannelEvent):
            return self._channel_event(event, event.uniqueid, event.linkedid)
        if isinstance(event, ev.DialBegun):
            return self._channel_event(event, event.dialled.uniqueid, event.dialled.linkedid)
        if isinstance(event, (ev.DialEnded, ev.DialProgressed)):
            return self._channel_event(event, event.dialled_uniqueid, event.linkedid)
        if isinstance(event, ev.OriginateEnded):
            return self._originate_ended(event)
        if isinstance(event, ev.Transferred):
            return self._channel_event(event, event.transferer, event.transferer_linkedid)
        return []

    def _originate_ended(self, event: ev.OriginateEnded) -> list[Change]:
        call = self.live.get(event.call_id) or self.live.of_channel(event.call_id)
        if call is None:
            call = self._others_originates.failed(event, self.live, self.held)
            if call is None:
                return []
            event = dataclasses.replace(event, call_id=call.first_channel)
        changes = self._apply(call, event)
        return [*changes, *self._apply_answers(self._held_of(call))]

    def resync(self, channels: Iterable[ev.ChannelSnapshot], window: Window) -> list[Change]:
        """Bring every call in line with the channels that live; take up calls not seen before."""
        live = self.live
        # The party that began a call decides its origin. The PBX lists channels in any order.
        listed = {channel.uniqueid: channel for channel in root_first(channels)}
        self._bridges.keep_only(listed)
        self._parting.unplaced.clear()
        changes = self._apply_answers(self.held.take_all())
        for uniqueid, channel in listed.items():
            call = live.of_channel(uniqueid)
            if call is not None and channel.linkedid != call.linkedid:
                changes += self._relinked(call, channel, window.asked_ms)
        compared, left = self._compared(listed, window)
        changes += compared
        if left:
            changes += self._compared(listed, window)[0]
        return changes

    def _compared(
        self, listed: Mapping[str, ev.ChannelSnapshot], window: Window
    ) -> tuple[list[Change], bool]:
        """The changes, and whether a listed channel is left without a call: an event has said that
        it is gone, and its call has ended now. Then it is a call of its own."""
        live = self.live
        alive: defaultdict[str, dict[str, ev.ChannelSnapshot]] = defaultdict(dict)
        new: dict[str, PhoneCall] = {}
        for uniqueid, channel in listed.items():
            call = live.of_channel(uniqueid) or call_of_listed(channel, listed, live)
            if call is None:
                fresh = self._new_call(channel, window.asked_ms)
                if fresh is None:
                    continue
                call = new.setdefault(fresh.id, fresh)
            alive[call.id][uniqueid] = channel
        changes: list[Change] = []
        left = False
        for call in [*live, *new.values()]:
            after, effects = reconcile(call, alive.get(call.id, {}), window, self._parties)
            if after.final is not None:
                left = left or call.id in alive
                if after.origin is Origin.API:
                    self._remember_orphans(call)
            changes += self._changed(None if call.id in new else call, after, effects)
        return changes, left

    def _channel_event(self, event: ev.PbxEvent, uniqueid: str, linkedid: str) -> list[Change]:
        changes: list[Change] = []
        call = self.live.of_channel(uniqueid)
        if self.live.is_shared(linkedid):
            if call is None:
                self._parting.unplaced.keep(uniqueid, linkedid, event)
                return []
        elif call is None:
            call = self.live.of_linkedid(linkedid)
        elif linkedid and linkedid != call.linkedid:
            changes = self._linked(call, uniqueid, linkedid, event)
            call = self.live.of_channel(uniqueid)
        if call is not None:
            further = self._further_event(call, event)
            return [*changes, *further] if changes else further
        if isinstance(event, ev.ChannelAppeared):
            fresh = self._new_call(event.channel, event.at_ms)
            if fresh is not None:
                return self._changed(None, *apply(fresh, event, self._parties), event)
        return []

    def _further_event(self, call: PhoneCall, event: ev.PbxEvent) -> list[Change]:
        """Of a call that is known: what was held of it is told first."""
        if isinstance(event, ev.ChannelBridged) and event.uniqueid in self.held:
            return []  # alone there so far: who comes next is whom it talks to
        if isinstance(event, ev.HoldEnded):  # a phone says so as it picks up
            return self._apply(call, event)
        held = self._held_of(call)
        if not held:
            return self._apply(call, event)
        changes = self._apply_answers(held)
        now = self.live.get(call.id)  # what was held may have been its end
        return changes if now is None else [*changes, *self._apply(now, event)]

    def _linked(
        self, call: PhoneCall, uniqueid: str, linkedid: str, event: ev.PbxEvent
    ) -> list[Change]:
        """A channel of the call has a Linkedid that is not the call's."""
        named = self.live.of_linkedid(linkedid)
        if named is None:
            self.live.also_linked(call, linkedid)
        elif named.id != call.id and uniqueid in call.channels:
            return self._join(*host_first(named, call), (), event.at_ms, event)
        return []

    def _new_call(self, channel: ev.ChannelSnapshot, at_ms: int) -> PhoneCall | None:
        """None: the channel is an orphan."""
        fresh = None
        if channel not in self._orphan_names:
            fresh = new_call(self._pbx, channel.linkedid, channel, at_ms, self._parties)
            fresh = self._ended.with_own_id(fresh)
        if fresh is not None:
            self._others_originates.note(fresh, channel.endpoint)
        else:
            self.orphans.append(channel.uniqueid)
        return fresh

    def _remember_orphans(self, call: PhoneCall) -> None:
        """Of a Linkedid that other live calls share, the channels are theirs."""
        linkedids = [x for x in self.live.linkedids(call) if not self.live.is_shared(x)]
        self._orphan_names.remember((*linkedids, *call.channels))

    def _held_of(self, call: PhoneCall) -> list[HeldEvent]:
        if not self.held:
            return []
        found = [self.held.take(x) for x in call.channels]
        return [x for x in found if x is not None]

    def _relinked(self, call: PhoneCall, channel: ev.ChannelSnapshot, at_ms: int) -> list[Change]:
        """A channel got another Linkedid while events were missed: two calls became one."""
        if self.live.is_shared(channel.linkedid):
            return []
        named = self.live.of_linkedid(channel.linkedid)
        if named is None:
            self.live.also_linked(call, channel.linkedid)
            return []
        return [] if named.id == call.id else self._join(*host_first(named, call), (), at_ms)

    def _join(
        self,
        host: PhoneCall,
        other: PhoneCall,
        leaving: Container[str],
        at_ms: int,
        event: ev.PbxEvent | None = None,
    ) -> list[Change]:
        if not may_join(host, other):
            return []
        linkedids = self.live.linkedids(other)
        joined, left = join(host, other, leaving, at_ms)
        changes = [
            *self._changed(other, *left, event, host.id),
            *self._changed(host, *joined, event),
        ]
        for linkedid in linkedids:
            self.live.also_linked(joined[0], linkedid)
        return [*changes, *self._apply_answers(self._held_of(joined[0]))]

    def _apply(self, call: PhoneCall, event: ev.PbxEvent) -> list[Change]:
        if isinstance(event, (ev.ChannelAppeared, ev.DialBegun)) and is_uninvited(call, event):
            return self._changed(call, *with_uninvited(call, event), event)
        return self._changed(call, *apply(call, event, self._parties), event)

    def _changed(
        self,
        before: PhoneCall | None,
        after: PhoneCall,
        effects: list[Effect],
        event: ev.PbxEvent | None = None,
        goes_on_in: str = "",
    ) -> list[Change]:
        if after is before and not effects:
            return []
        if after.final is not None:
            self._ended.note(after)
            self._others_originates.forget(after.id)
            self.live.forget(before or after)
        else:
            self.live.store(before, after)
        return [Change(before, after, tuple(effects), event, goes_on_in)]
