"""All live calls of one PBX: which event belongs to which call, and the indexes over them.

No I/O: events and snapshots in, changes out, in order. The same stream gives the same changes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from bridge.calls import pbx_events as ev
from bridge.calls import transition
from bridge.calls.effects import Effect
from bridge.calls.parties import PartyLookup
from bridge.calls.phone_call import (
    EndedBy,
    FinalRecord,
    Flow,
    Origin,
    PhoneCall,
    derived_call_id,
    fork_channel_id,
)
from bridge.calls.reconcile import Window, reconcile

_API_CALL_ID = re.compile(r"[0-9a-f]{20}\Z")


@dataclass(frozen=True, slots=True)
class Change:
    """One call before and after one event; `before` is None for a call that is new."""

    before: PhoneCall | None
    after: PhoneCall
    effects: tuple[Effect, ...]


class CallTracker:
    def __init__(self, pbx: str, parties: PartyLookup) -> None:
        self.pbx = pbx
        self.parties = parties
        self._calls: dict[str, PhoneCall] = {}
        self._by_linkedid: dict[str, str] = {}
        self._by_channel: dict[str, str] = {}
        self._other_linkedids: defaultdict[str, list[str]] = defaultdict(list)
        self._by_extension: defaultdict[str, dict[str, None]] = defaultdict(dict)

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[PhoneCall]:
        return iter(list(self._calls.values()))

    def get(self, call_id: str) -> PhoneCall | None:
        return self._calls.get(call_id)

    def of_extension(self, extension: str) -> list[PhoneCall]:
        """Live calls that the extension pays or is a party of, oldest first."""
        return [self._calls[x] for x in self._by_extension.get(extension, ())]

    def add(self, call: PhoneCall) -> None:
        """Take up a call that was accepted or restored; its events may come from now on."""
        self._store(None, call)

    def drop(self, call_id: str) -> None:
        """Forget a call that was never placed."""
        call = self._calls.get(call_id)
        if call is not None:
            self._forget(call)

    def mark_hang_up(self, call_id: str, by: EndedBy, at_ms: int) -> PhoneCall | None:
        """The call is to end; returns it, or None where there is no such live call."""
        call = self._calls.get(call_id)
        if call is None:
            return None
        marked = transition.mark_hang_up(call, by, at_ms)
        self._store(call, marked)
        return marked

    def end(self, call_id: str, final: FinalRecord) -> list[Change]:
        """End a call whatever the PBX says of it."""
        call = self._calls.get(call_id)
        return [] if call is None else self._changed(call, *transition.end(call, final))

    def event(self, event: ev.PbxEvent) -> list[Change]:
        """What the event changes: nothing, one call, or several where a transfer merges calls."""
        if isinstance(event, ev.OriginateEnded):
            call = self._calls.get(event.call_id)
            return [] if call is None else self._apply(call, event)
        if isinstance(event, ev.DialBegun):
            return self._channel_event(event, event.dialled.uniqueid, event.dialled.linkedid)
        if isinstance(event, ev.DialEnded):
            return self._channel_event(event, event.dialled_uniqueid, event.linkedid)
        if isinstance(event, ev.Transferred):
            return self._channel_event(event, event.transferer, event.transferer_linkedid)
        if isinstance(event, ev.ChannelEvent):
            return self._channel_event(event, event.uniqueid, event.linkedid)
        return []

    def resync(self, channels: Iterable[ev.ChannelSnapshot], window: Window) -> list[Change]:
        """Bring every call in line with the channels that live; take up calls not seen before."""
        alive: defaultdict[str, dict[str, ev.ChannelSnapshot]] = defaultdict(dict)
        new: dict[str, PhoneCall] = {}
        for channel in channels:
            call_id = self._by_channel.get(channel.uniqueid) or self._by_linkedid.get(
                channel.linkedid
            )
            if call_id is None:
                call = self._new_call(channel.linkedid, channel, window.asked_ms)
                call_id = call.id
                new.setdefault(call_id, call)
            alive[call_id][channel.uniqueid] = channel
        changes: list[Change] = []
        for call in [*self._calls.values(), *new.values()]:
            channels_of_call = _root_first(alive.get(call.id, {}), call.linkedid)
            after, effects = reconcile(call, channels_of_call, window, self.parties)
            changes += self._changed(None if call.id in new else call, after, effects)
        return changes

    def _channel_event(self, event: ev.PbxEvent, uniqueid: str, linkedid: str) -> list[Change]:
        call_id = self._by_channel.get(uniqueid)
        call = self._calls.get(call_id) if call_id is not None else None
        if call is not None and linkedid and linkedid != call.linkedid:
            joined = self._calls.get(self._by_linkedid.get(linkedid, ""))
            if joined is not None and joined.id != call.id:
                return self._move(call, joined, event, uniqueid)
            self._by_linkedid[linkedid] = call.id
            self._other_linkedids[call.id].append(linkedid)
        if call is None:
            call = self._calls.get(self._by_linkedid.get(linkedid, ""))
        if call is not None:
            return self._apply(call, event)
        if isinstance(event, ev.ChannelAppeared):
            fresh = self._new_call(linkedid, event.channel, event.at_ms)
            return self._changed(None, *transition.apply(fresh, event, self.parties))
        return []

    def _move(
        self, call: PhoneCall, joined: PhoneCall, event: ev.PbxEvent, uniqueid: str
    ) -> list[Change]:
        """A channel's Linkedid changed to that of an older call: it belongs there from now on."""
        channel = call.channels[uniqueid]
        leg = next((x for x in call.legs if x.uniqueid == uniqueid), None)
        changes = self._changed(call, *transition.depart(call, uniqueid, event.at_ms, joined.id))
        host = replace(joined, channels={**joined.channels, uniqueid: channel})
        if leg is not None:
            seat = replace(leg, view_id=f"{len(host.legs):02d}")
            host = replace(host, legs=(*host.legs, seat))
        after, effects = transition.apply(host, event, self.parties)
        return changes + self._changed(joined, after, effects)

    def _new_call(self, linkedid: str, channel: ev.ChannelSnapshot, at_ms: int) -> PhoneCall:
        known = self.parties.by_endpoint(channel.endpoint)
        # An id of our own form keeps its id, so that storage can tell whose it is.
        call_id = linkedid if _API_CALL_ID.match(linkedid) else derived_call_id(self.pbx, linkedid)
        return PhoneCall(
            id=call_id,
            pbx=self.pbx,
            linkedid=linkedid,
            origin=Origin.PHONE if known is not None else Origin.TRUNK,
            flow=Flow.LOCAL if known is not None else Flow.INCOMING,
            published_ms=at_ms,
        )

    def _apply(self, call: PhoneCall, event: ev.PbxEvent) -> list[Change]:
        after, effects = transition.apply(call, event, self.parties)
        return [] if after is call and not effects else self._changed(call, after, effects)

    def _changed(
        self, before: PhoneCall | None, after: PhoneCall, effects: list[Effect]
    ) -> list[Change]:
        if after is before and not effects:
            return []
        if after.final is not None:
            self._forget(before or after)
        else:
            self._store(before, after)
        return [Change(before, after, tuple(effects))]

    def _store(self, before: PhoneCall | None, after: PhoneCall) -> None:
        self._calls[after.id] = after
        if before is None:
            self._by_linkedid[after.linkedid] = after.id
            if after.origin is Origin.API:
                self._by_channel[after.id] = after.id
                self._by_channel[fork_channel_id(after.id)] = after.id
        if before is None or before.channels is not after.channels:
            for uniqueid in before.channels if before is not None else ():
                if uniqueid not in after.channels:
                    self._by_channel.pop(uniqueid, None)
            for uniqueid in after.channels:
                self._by_channel[uniqueid] = after.id
        if before is None or before.legs is not after.legs:
            for extension in after.extensions:
                self._by_extension[extension].setdefault(after.id)

    def _forget(self, call: PhoneCall) -> None:
        known = self._calls.pop(call.id, call)
        for uniqueid in (known.id, fork_channel_id(known.id), *known.channels):
            if self._by_channel.get(uniqueid) == known.id:
                del self._by_channel[uniqueid]
        for linkedid in (known.linkedid, *self._other_linkedids.pop(known.id, ())):
            if self._by_linkedid.get(linkedid) == known.id:
                del self._by_linkedid[linkedid]
        for extension in known.extensions:
            calls = self._by_extension.get(extension)
            if calls is not None:
                calls.pop(known.id, None)
                if not calls:
                    del self._by_extension[extension]


def _root_first(
    channels: dict[str, ev.ChannelSnapshot], linkedid: str
) -> dict[str, ev.ChannelSnapshot]:
    """The channel that began the call first, so that the source is the first party again."""
    return dict(sorted(channels.items(), key=lambda item: (item[0] != linkedid, item[0])))
