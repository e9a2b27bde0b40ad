"""The live calls, kept current from the PBX, and what follows from each change.

The one listener of the PBX. Everything that happens goes through the tracker (pure) and comes out
as changes; here they are written down, carried out, and told to the observers, in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Set
from dataclasses import replace
from typing import Any

import structlog

from bridge.calls.call_log import log_end
from bridge.calls.call_records import CallRecords, Companions
from bridge.calls.effects import HangUpChannel
from bridge.calls.later import Later
from bridge.calls.meanwhile import Meanwhile
from bridge.calls.pbx import (
    InvalidPbxValue,
    Pbx,
    PbxListener,
    PbxOutcomeUnknown,
    PbxRefused,
    PbxUnavailable,
)
from bridge.calls.pbx_events import OriginateEnded, PbxEvent, PbxSnapshot
from bridge.calls.phone_call import FinalRecord, Origin, PhoneCall
from bridge.calls.reconcile import Window, result_is_missing
from bridge.calls.tracker import CallTracker, Change
from bridge.calls.transition import confirm_hang_up

log = structlog.get_logger()

# The PBX takes a channel off its list before it tells of its end: wait for the word that says why.
SETTLE_S = 1.0

# Nor does it keep the order between the result of an Originate and its channel: of a call refused
# at once the result came first, Newchannel and Hangup 3 ms later (seen on 22.10.1, one call in
# some hundred). Taken for the end it would hide the reason, and the channel would be a stranger.
ORIGINATE_OVERTAKES_S = 0.5

# What a hang-up raises of which nobody knows whether it was done.
NOT_CONFIRMED = (PbxUnavailable, PbxOutcomeUnknown, PbxRefused, InvalidPbxValue)

Observer = Callable[[Change], None]
WrittenAlong = Callable[[Change], Companions | None]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Switchboard:
    """`make_pbx` gets this switchboard as its listener.

    `originate_grace_s`: how long an accepted call may stay without a channel after a resync."""

    def __init__(
        self,
        make_pbx: Callable[[PbxListener], Pbx],
        tracker: CallTracker,
        records: CallRecords,
        originate_grace_s: float,
    ) -> None:
        self.pbx = make_pbx(self)
        self.calls = tracker
        # Ids of accepted calls that the PBX has not taken yet: it can have no channel of them.
        self.not_taken: set[str] = set()
        self._without_channel_yet: set[str] = set()  # those, and what the PBX has just taken
        self._records = records
        self._grace_ms = int(originate_grace_s * 1000)
        self._observers: list[Observer] = []
        self._written_along: list[WrittenAlong] = []
        self._at_link_up: list[Callable[[], Coroutine[object, object, None]]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._meanwhiles: list[Meanwhile] = []  # one for each snapshot being asked for
        self._last_heard_ms = now_ms()
        # What has been asked for by now is done by then, or never will be.
        self.resync_later = Later(originate_grace_s, lambda: self._spawn(self.resync()))

    def observe(self, observer: Observer) -> None:
        """Be told of every change, in order, after it is in force. An observer must not block."""
        self._observers.append(observer)

    def write_along(self, rows_of: WrittenAlong) -> None:
        """Ask for rows to be written with each change, in its transaction. Must not block."""
        self._written_along.append(rows_of)

    def at_link_up(self, work: Callable[[], Coroutine[object, object, None]]) -> None:
        """Do this, in a task of its own, each time the link has come up."""
        self._at_link_up.append(work)

    @contextlib.contextmanager
    def placing(self, call_id: str) -> Iterator[None]:
        """Until the PBX has taken the call it has no channel, however long that lasts."""
        self.not_taken.add(call_id)
        self._without_channel_yet.add(call_id)
        try:
            yield
        finally:
            self.not_taken.discard(call_id)
            loop = asyncio.get_running_loop()
            loop.call_later(SETTLE_S, self._without_channel_yet.discard, call_id)

    async def restore(self) -> int:
        """Take up the calls that had not ended when the service last ran; returns how many."""
        calls = await self._records.live(self.pbx.name)
        for call in calls:
            # Nobody sweeps any more after what was confirmed then: each channel counts again.
            self.calls.add(confirm_hang_up(call, confirmed=False))
        self._last_heard_ms = max((_last_moment(x) for x in calls), default=now_ms())
        return len(calls)

    async def stop(self) -> None:
        self.resync_later.stop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # PbxListener

    def link_up(self, snapshot: PbxSnapshot) -> None:
        # A list that was asked for on the old link is older than this one.
        self._meanwhiles.clear()
        self._resync(snapshot, self._last_heard_ms, now_ms())
        for call in self.calls.live:
            if call.hang_up is not None:
                self._enforce(call)
        for work in self._at_link_up:
            self._spawn(work())
        # What was being dialled when the link went has a channel by then, or never will.
        self.resync_later.ask()

    def link_down(self, at_ms: int, why: str) -> None:
        self._last_heard_ms = at_ms
        # The link itself warns; this is said at every stop as well.
        log.info("calls not followed", pbx=self.pbx.name, why=why, live_calls=len(self.calls.live))

    def pbx_event(self, event: PbxEvent) -> None:
        for meanwhile in self._meanwhiles:
            meanwhile.note(event)
        if isinstance(event, OriginateEnded) and self._may_have_overtaken(event):
            self._spawn(self._after_its_channel(event))
            return
        self._take(event)

    # Changes that do not come from the PBX

    def end(self, call_id: str, final: FinalRecord) -> None:
        """Write the final record of a call that the PBX will say nothing (more) about."""
        for change in self.calls.end(call_id, final):
            self._carry_out(change)

    async def resync(self) -> None:
        """Compare with the PBX now; heals whatever a lost event left behind."""
        since, meanwhile = now_ms(), Meanwhile()
        self._meanwhiles.append(meanwhile)
        try:
            snapshot = await self.pbx.snapshot()
            if self._misses_channel(snapshot):
                await asyncio.sleep(SETTLE_S)
        except (PbxUnavailable, PbxOutcomeUnknown):
            return  # the link is going down: its return brings a snapshot
        except PbxRefused as why:
            log.error("the PBX does not list its channels", why=str(why))
            return
        finally:
            overtaken = not any(x is meanwhile for x in self._meanwhiles)
            self._meanwhiles = [x for x in self._meanwhiles if x is not meanwhile]
        if overtaken:
            return
        # The list is older than the events that came with it: a channel whose end was heard in
        # the meantime must not come back to life.
        alive = tuple(x for x in snapshot.channels if x.uniqueid not in meanwhile.gone)
        self._resync(replace(snapshot, channels=alive), since, since, meanwhile.new)
        if any(result_is_missing(x) for x in self.calls.live):
            self.resync_later.ask()

    def _misses_channel(self, snapshot: PbxSnapshot) -> bool:
        listed = {x.uniqueid for x in snapshot.channels}
        return any(not listed.issuperset(call.channels) for call in self.calls.live)

    def hang_up_channels(self, uniqueids: Iterable[str]) -> None:
        for uniqueid in uniqueids:
            self._spawn(self._hang_up_channel(uniqueid))

    def _take(self, event: PbxEvent) -> None:
        for change in self.calls.event(event):
            self._carry_out(change)

    def _may_have_overtaken(self, event: OriginateEnded) -> bool:
        """Whether the call failed and we have heard of no channel of it yet."""
        call = self.calls.live.get(event.call_id)
        if event.succeeded or call is None or call.channels:
            return False
        return all(leg.uniqueid is None for leg in call.legs)

    async def _after_its_channel(self, event: OriginateEnded) -> None:
        await asyncio.sleep(ORIGINATE_OVERTAKES_S)
        self._take(event)

    def _resync(
        self,
        snapshot: PbxSnapshot,
        since_ms: int,
        asked_ms: int,
        new_meanwhile: Set[str] = frozenset(),
    ) -> None:
        """`asked_ms`: when the snapshot was asked for, by our own clock."""
        ahead_ms = asked_ms - snapshot.at_ms
        window = Window(
            snapshot.at_ms,
            since_ms,
            self._grace_ms,
            ahead_ms,
            new_meanwhile,
            self._without_channel_yet,
        )
        for change in self.calls.resync(snapshot.channels, window):
            self._carry_out(change)

    def _carry_out(self, change: Change) -> None:
        before, after = change.before, change.after
        if before is None and after.id == after.linkedid and after.origin is not Origin.API:
            self._spawn(self._check_orphan(after))
        extra, written = self._companions(change)
        if after.final is not None:
            if after.extension is not None or extra:
                self._records.finish_later(after, extra, written)
            log_end(after)
        elif extra or _worth_keeping(before, after):
            self._records.track(after, extra, written)
        self.hang_up_channels(x.uniqueid for x in change.effects if isinstance(x, HangUpChannel))
        for observer in self._observers:
            try:
                observer(change)
            except Exception:
                log.exception("an observer of calls failed", call_id=after.id)

    def _companions(self, change: Change) -> tuple[list[Any], Callable[[], None] | None]:
        found: list[Companions] = []
        for rows_of in self._written_along:
            try:
                companions = rows_of(change)
            except Exception:
                log.exception("rows of a change not made", call_id=change.after.id)
                continue
            if companions is not None:
                found.append(companions)
        if not found:
            return [], None

        def written() -> None:
            for companions in found:
                companions.written()

        return [row for companions in found for row in companions.rows], written

    async def _hang_up_channel(self, uniqueid: str) -> None:
        try:
            await self.pbx.hang_up(uniqueid)
        except NOT_CONFIRMED as why:
            # The mark stays on the call: its sweep goes on (HangUp).
            log.warning("hang-up not confirmed", uniqueid=uniqueid, why=str(why))

    def _enforce(self, call: PhoneCall) -> None:
        self.hang_up_channels(channels_to_end(call))

    async def _check_orphan(self, call: PhoneCall) -> None:
        """A channel with an id of our form that we do not know: ours and ended, or a stranger's."""
        known = await self._records.find(call.id)
        if known is not None and known.final is not None:
            log.error("a call rang after its final record; hanging it up", call_id=call.id)
            self.hang_up_channels([call.id])

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("work on calls failed", exc_info=fault)


def channels_to_end(call: PhoneCall) -> list[str]:
    """The channels whose end ends the call: its first one while that lives, else all of them."""
    first = call.first_channel
    return [first] if first in call.channels else list(call.channels)


def _worth_keeping(before: PhoneCall | None, after: PhoneCall) -> bool:
    if after.extension is None:
        return False
    if before is None or before.extension is None:
        return True
    return before.answered_ms != after.answered_ms or len(before.legs) != len(after.legs)


def _last_moment(call: PhoneCall) -> int:
    return max(x for x in (call.published_ms, call.ringing_ms, call.answered_ms) if x is not None)
