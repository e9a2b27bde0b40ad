"""Asking the PBX which channels live, while events arrive: the snapshot may not contain their
effect."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Set
from dataclasses import replace

import structlog

from bridge.calls.pbx import Pbx, PbxOutcomeUnknown, PbxRefused, PbxUnavailable
from bridge.calls.state.pbx_events import (
    ChannelAppeared,
    ChannelHungUp,
    DialBegun,
    PbxEvent,
    PbxSnapshot,
)
from bridge.calls.state.phone_call import PhoneCall

log = structlog.get_logger()

# The PBX takes a channel off its list before it tells of its end: wait for the word that says why.
SETTLE_S = 1.0


class _Heard:
    """Uniqueids of channels, `new` and `gone`. Clocks are not compared, because the clock of the
    PBX may differ from ours."""

    def __init__(self) -> None:
        self.new: set[str] = set()
        self.gone: set[str] = set()

    def note(self, event: PbxEvent) -> None:
        """Take notice of an event that arrived while the snapshot was made."""
        match event:
            case ChannelAppeared():
                self.new.add(event.uniqueid)
            case DialBegun():
                self.new.add(event.dialled.uniqueid)
            case ChannelHungUp():
                self.gone.add(event.uniqueid)


class Snapshots:
    """`live`: the calls whose channels a snapshot is compared with."""

    def __init__(self, pbx: Pbx, live: Iterable[PhoneCall]) -> None:
        self._pbx = pbx
        self._live = live
        self._heard: list[_Heard] = []  # one for each snapshot being asked for

    def note(self, event: PbxEvent) -> None:
        """Take notice of an event that arrives while snapshots may be asked for."""
        for heard in self._heard:
            heard.note(event)

    def overtake(self) -> None:
        """Those that are being asked for are older than one that has come by itself."""
        self._heard.clear()

    async def ask(self) -> tuple[PbxSnapshot, Set[str]] | None:
        """The channels that live, and which are missing from them as they came meanwhile.

        None if the link is down, the PBX refuses, or a newer snapshot is known.
        """
        heard = _Heard()
        self._heard.append(heard)
        try:
            snapshot = await self._pbx.snapshot()
            if self._misses_channel(snapshot):
                await asyncio.sleep(SETTLE_S)
        except (PbxUnavailable, PbxOutcomeUnknown):
            return None  # the link is going down: its return brings a snapshot
        except PbxRefused as why:
            log.error("channel_list_refused", why=str(why))
            return None
        finally:
            overtaken = not any(x is heard for x in self._heard)
            self._heard = [x for x in self._heard if x is not heard]
        if overtaken:
            return None
        # The snapshot is older than the events that came with it. A channel that has ended
        # meanwhile must not return.
        alive = tuple(x for x in snapshot.channels if x.uniqueid not in heard.gone)
        return replace(snapshot, channels=alive), heard.new

    def _misses_channel(self, snapshot: PbxSnapshot) -> bool:
        listed = {x.uniqueid for x in snapshot.channels}
        return any(not listed.issuperset(call.channels) for call in self._live)
