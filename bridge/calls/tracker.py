"""All live calls of one PBX: which event belongs to which call.

No I/O: events and snapshots in, changes out, in order. The same stream gives the same changes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Iterable

from bridge.calls import pbx_events as ev
from bridge.calls import transition
from bridge.calls.call_index import CallIndex
from bridge.calls.effects import Effect
from bridge.calls.frozen import frozen
from bridge.calls.joining import host_first, join
from bridge.calls.parties import PartyLookup
from bridge.calls.phone_call import (
    EndedBy,
    FinalRecord,
    Flow,
    Origin,
    PhoneCall,
    derived_call_id,
)
from bridge.calls.reconcile import Window, reconcile

_API_CALL_ID = re.compile(r"[0-9a-f]{20}\Z")


@frozen
class Change:
    """One call before and after one event; `before` is None for a call that is new."""

    before: PhoneCall | None
    after: PhoneCall
    effects: tuple[Effect, ...]


class CallTracker:
    """`live`: the calls that have not ended; read it freely, change it through the tracker only."""

    def __init__(self, pbx: str, parties: PartyLookup) -> None:
        self.live = CallIndex()
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
        """The call is to end; returns it, or None where there is no such live call."""
        call = self.live.get(call_id)
        if call is None:
            return None
        marked = transition.mark_hang_up(call, by, at_ms)
        self.live.store(call, marked)
        return marked

    def confirm_hang_up(self, call_id: str) -> None:
        """The PBX has ended the first channel of a call that is to end.

        Whoever says so sees to it that nothing of the call outlives that channel.
        """
        call = self.live.get(call_id)
        if call is not None:
            self.live.store(call, transition.confirm_hang_up(call))

    def end(self, call_id: str, final: FinalRecord) -> list[Change]:
        """End a call whatever the PBX says of it."""
        call = self.live.get(call_id)
        return [] if call is None else self._changed(call, *transition.end(call, final))

    def event(self, event: ev.PbxEvent) -> list[Change]:
        """What the event changes: nothing, one call, or several where a transfer merges calls."""
        if isinstance(event, ev.ChannelEvent):
            return self._channel_event(event, event.uniqueid, event.linkedid)
        if isinstance(event, ev.DialBegun):
            return self._channel_event(event, event.dialled.uniqueid, event.dialled.linkedid)
        if isinstance(event, ev.DialEnded):
            return self._channel_event(event, event.dialled_uniqueid, event.linkedid)
        if isinstance(event, ev.OriginateEnded):
            call = self.live.get(event.call_id)
            return [] if call is None else self._apply(call, event)
        if isinstance(event, ev.Transferred):
            joined = self._connected(event) if event.attended and event.succeeded else []
            more = self._channel_event(event, event.transferer, event.transferer_linkedid)
            return [*joined, *more]
        return []

    def resync(self, channels: Iterable[ev.ChannelSnapshot], window: Window) -> list[Change]:
        """Bring every call in line with the channels that live; take up calls not seen before."""
        live = self.live
        listed = {channel.uniqueid: channel for channel in channels}
        changes: list[Change] = []
        for uniqueid, channel in listed.items():
            call = live.of_channel(uniqueid)
            if call is not None and channel.linkedid != call.linkedid:
                changes += self._relinked(call, channel, window.asked_ms)
        alive: defaultdict[str, dict[str, ev.ChannelSnapshot]] = defaultdict(dict)
        new: dict[str, PhoneCall] = {}
        for uniqueid, channel in listed.items():
            call = live.of_channel(uniqueid) or live.of_linkedid(channel.linkedid)
            if call is None:
                call = self._new_call(channel.linkedid, channel, window.asked_ms)
                call = new.setdefault(call.id, call)
            alive[call.id][uniqueid] = channel
        for call in [*live, *new.values()]:
            after, effects = reconcile(call, alive.get(call.id, {}), window, self._parties)
            changes += self._changed(None if call.id in new else call, after, effects)
        return changes

    def _channel_event(self, event: ev.PbxEvent, uniqueid: str, linkedid: str) -> list[Change]:
        changes: list[Change] = []
        call = self.live.of_channel(uniqueid)
        if call is None:
            call = self.live.of_linkedid(linkedid)
        elif linkedid and linkedid != call.linkedid:
            named = self.live.of_linkedid(linkedid)
            if named is None:
                self.live.also_linked(call, linkedid)
            elif named.id != call.id and uniqueid in call.channels:
                changes = self._join(*host_first(named, call), (), event.at_ms)
                call = self.live.of_channel(uniqueid)
        if call is not None:
            return [*changes, *self._apply(call, event)]
        if isinstance(event, ev.ChannelAppeared):
            fresh = self._new_call(linkedid, event.channel, event.at_ms)
            return self._changed(None, *transition.apply(fresh, event, self._parties))
        return []

    def _connected(self, event: ev.Transferred) -> list[Change]:
        """An attended transfer: one of the phone's two calls goes on with both far ends."""
        live = self.live
        first = live.of_channel(event.transferer) or live.of_linkedid(event.transferer_linkedid)
        second = live.of_channel(event.target) or live.of_linkedid(event.target_linkedid)
        if first is None or second is None or first.id == second.id:
            return []
        host, other = host_first(first, second)
        return self._join(host, other, (event.transferer, event.target), event.at_ms)

    def _relinked(self, call: PhoneCall, channel: ev.ChannelSnapshot, at_ms: int) -> list[Change]:
        """A channel got another Linkedid while events were missed: two calls became one."""
        named = self.live.of_linkedid(channel.linkedid)
        if named is None:
            self.live.also_linked(call, channel.linkedid)
            return []
        return [] if named.id == call.id else self._join(*host_first(named, call), (), at_ms)

    def _join(
        self, host: PhoneCall, other: PhoneCall, leaving: Container[str], at_ms: int
    ) -> list[Change]:
        linkedids = self.live.linkedids(other)
        joined, left = join(host, other, leaving, at_ms)
        changes = [*self._changed(other, *left), *self._changed(host, *joined)]
        for linkedid in linkedids:
            self.live.also_linked(joined[0], linkedid)
        return changes

    def _new_call(self, linkedid: str, channel: ev.ChannelSnapshot, at_ms: int) -> PhoneCall:
        known = self._parties.by_endpoint(channel.endpoint)
        # An id of our own form keeps its id, so that storage can tell whose it is.
        ours = _API_CALL_ID.match(linkedid)
        return PhoneCall(
            id=linkedid if ours else derived_call_id(self._pbx, linkedid),
            pbx=self._pbx,
            linkedid=linkedid,
            origin=Origin.PHONE if known is not None else Origin.TRUNK,
            flow=Flow.LOCAL if known is not None else Flow.INCOMING,
            published_ms=at_ms,
        )

    def _apply(self, call: PhoneCall, event: ev.PbxEvent) -> list[Change]:
        return self._changed(call, *transition.apply(call, event, self._parties))

    def _changed(
        self, before: PhoneCall | None, after: PhoneCall, effects: list[Effect]
    ) -> list[Change]:
        if after is before and not effects:
            return []
        if after.final is not None:
            self.live.forget(before or after)
        else:
            self.live.store(before, after)
        return [Change(before, after, tuple(effects))]
