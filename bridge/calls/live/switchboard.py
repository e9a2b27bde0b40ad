"""The live calls, kept current from the PBX, and what follows from each change.

The one listener of the PBX. Everything that happens goes through the tracker (pure) and comes out
as changes; the change handler takes these in order.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Iterator, Set

import structlog

from bridge.calls.call_records import CallRecords
from bridge.calls.live.alive_after_end import AliveAfterEnd
from bridge.calls.live.calls_of_lost_instance import CallsOfLostInstance
from bridge.calls.live.change import Change
from bridge.calls.live.change_handler import ChangeHandler, CompanionsOf, Observer
from bridge.calls.live.channel_hang_ups import ChannelHangUps, channels_to_end
from bridge.calls.live.channel_questions import ChannelQuestions
from bridge.calls.live.coalesced_work import CoalescedWork
from bridge.calls.live.held_answers import HELD_EVENTS, HELD_MS
from bridge.calls.live.new_call import has_our_id
from bridge.calls.live.snapshots import SETTLE_S, Snapshots
from bridge.calls.live.tracker import CallTracker, Recorded
from bridge.calls.pbx import Pbx
from bridge.calls.state.call_end import confirm_hang_up
from bridge.calls.state.pbx_events import (
    OriginateEnded,
    PbxEvent,
    PbxSnapshot,
)
from bridge.calls.state.phone_call import FinalRecord, PhoneCall
from bridge.calls.state.reconcile import Window, result_is_missing
from bridge.calls.timeline.timelines import Timelines
from bridge.clock import now_ms
from bridge.supervision.task_set import TaskSet

log = structlog.get_logger()

# Asterisk does not keep the order between the result of an Originate and its channel. For a call
# refused at once, the result may come first, and Newchannel and Hangup 3 ms later. Seen on 22.10.1,
# in one of some hundred calls. Taken for the end it would hide the reason, and the channel would be
# that of an uninvited phone.
ORIGINATE_OVERTAKES_S = 0.5

# An Originate that was sent over a link that is gone has its channel this long after the next
# login. Should it come later all the same, it is hung up as an orphan.
SENT_BEFORE_S = 0.5

# A timer that fires later than this after its moment has waited for other work.
_LATE_S = 0.05


class Switchboard:
    """To be made the listener of `pbx` before that starts.

    `originate_grace_s`: how long an accepted call may stay without a channel after a resync.
    `timelines`: those that `records` writes; by default there are none."""

    def __init__(
        self,
        pbx: Pbx,
        tracker: CallTracker,
        records: CallRecords,
        originate_grace_s: float,
        timelines: Timelines | None = None,
    ) -> None:
        self.pbx = pbx
        self.calls = tracker
        # Ids of accepted calls that the PBX has not taken yet: it can have no channel of them.
        self.not_taken: set[str] = set()
        self._without_channel_yet: set[str] = set()  # those, and what the PBX has just taken
        self._of_lost_instance = CallsOfLostInstance(tracker.live, originate_grace_s)
        self._records = records
        self._grace_ms = int(originate_grace_s * 1000)
        self._at_link_up: list[Callable[[], Coroutine[object, object, None]]] = []
        self._tasks = TaskSet("work_on_calls")
        self._hang_ups = ChannelHangUps(pbx, self._tasks)
        self.timelines = Timelines(0) if timelines is None else timelines
        questions = ChannelQuestions(pbx, tracker.live, self._tasks)
        self._changes = ChangeHandler(pbx, records, self._hang_ups, questions, self.timelines)
        self._recording_observers: list[Observer] = []
        self._alive_after_end = AliveAfterEnd(
            pbx.name, tracker, records, self._carry_out, self._hang_ups
        )
        self._snapshots = Snapshots(pbx, tracker.live)
        self._last_heard_ms = now_ms()
        self.clock_ahead_ms = 0  # our clock minus the clock of the PBX, at the last snapshot
        # Each Originate sent until now has a channel by then, or never gets one.
        self.resync_later = CoalescedWork(
            originate_grace_s, lambda: self._tasks.begin(self.resync())
        )

    def observe(self, observer: Observer) -> None:
        """Be told of every change, in order, after it is in force. An observer must not block."""
        self._changes.observe(observer)

    def observe_recordings(self, observer: Observer) -> None:
        """Be told when the recording of a call begins or ends. No event of the PBX says so."""
        self._recording_observers.append(observer)

    def add_companions(self, rows_of: CompanionsOf) -> None:
        """Ask for rows to be written with each change that has effects, in its transaction. Must
        not block."""
        self._changes.add_companions(rows_of)

    def at_link_up(self, work: Callable[[], Coroutine[object, object, None]]) -> None:
        """Do this, in a task of its own, each time the link has come up."""
        self._at_link_up.append(work)

    @contextlib.contextmanager
    def placing(self, call_id: str) -> Iterator[None]:
        """Until the block ends, the call is not taken by the PBX and has no channel, however long
        that lasts."""
        self.not_taken.add(call_id)
        self._without_channel_yet.add(call_id)
        try:
            yield
        finally:
            self.not_taken.discard(call_id)
            loop = asyncio.get_running_loop()
            loop.call_later(SETTLE_S, self._without_channel_yet.discard, call_id)

    async def restore(self, *, taken_over: bool = False) -> int:
        """Take up the calls that had not ended when the service last ran; returns how many.

        `taken_over`: another instance may have accepted them, as CallsOfLostInstance says. Raises
        StorageUnavailable.
        """
        calls = await self._records.live(self.pbx.name)
        if taken_over:
            self._of_lost_instance.take_over(calls)
        for call in calls:
            # Confirmations from before the restart have no sweep; each channel counts again.
            self.calls.add(confirm_hang_up(call, confirmed=False))
        self._last_heard_ms = max((last_moment(x) for x in calls), default=now_ms())
        return len(calls)

    def store_timelines(self) -> None:
        """Write the entries that were added since the rows of the live calls were written."""
        for call in self.calls.live:
            if call.extension is not None and self.timelines.has_news(call.id):
                self._records.track(call)

    async def stop(self) -> None:
        """Cancel the background work of the calls, and return once it has ended."""
        self.resync_later.stop()
        await self._tasks.stop()

    # PbxListener

    def link_up(self, snapshot: PbxSnapshot) -> None:
        # A list that was asked for on the old link is older than this one.
        self._snapshots.overtake()
        heard_of = {
            x.id
            for x in self._sent()
            if x.hang_up is not None or any(leg.uniqueid is not None for leg in x.legs)
        }
        self._resync(snapshot, self._last_heard_ms, now_ms(), settled=heard_of, missed_events=True)
        silent = {
            x.id for x in self._sent() if not x.channels
        } - self._of_lost_instance.unheard_of()
        if silent:
            self._tasks.begin(self._resync_settled(silent))
        for call in self.calls.live:
            if call.hang_up is not None:
                self._enforce(call)
        for work in self._at_link_up:
            self._tasks.begin(work())
        # Each call that was being dialled when the link broke has a channel by then, or never gets
        # one.
        self.resync_later.request()

    @property
    def last_heard_ms(self) -> int:
        """Until when the PBX was known to carry its calls, while the link is down."""
        return self._last_heard_ms

    def link_down(self, at_ms: int, why: str) -> None:
        self._last_heard_ms = at_ms
        # The link logs the warning; this line is written at every stop as well.
        log.info("calls_unobserved", pbx=self.pbx.name, why=why, live_calls=len(self.calls.live))

    def pbx_event(self, event: PbxEvent) -> None:
        """Take an event of the PBX, in the order of the events."""
        self._snapshots.note(event)
        if isinstance(event, OriginateEnded) and self._may_have_overtaken(event):
            self._tasks.begin(self._after_its_channel(event))
            return
        self._take(event)

    # Changes that do not come from the PBX

    def end(self, call_id: str, final: FinalRecord) -> None:
        """Write the final record of a call that the PBX will say nothing (more) about.

        Does nothing if the call is not live.
        """
        for change in self.calls.end(call_id, final):
            self._carry_out(change)

    def change(self, call_id: str, after_of: Callable[[PhoneCall], PhoneCall]) -> None:
        """Change a live call after the PBX has done something for us that no event tells."""
        for change in self.calls.change(call_id, after_of):
            self._carry_out(change)

    def _sent(self) -> list[PhoneCall]:
        """The live calls for which an Originate was sent."""
        return [x for x in self.calls.live if x.id not in self.not_taken]

    async def _resync_settled(self, call_ids: Set[str]) -> None:
        await asyncio.sleep(SENT_BEFORE_S)
        await self.resync(call_ids)

    def note_recording(self, call_id: str, noted: Recorded | None) -> None:
        """Keep with the call what there is of a recording of it; `noted` as for the tracker."""
        before, call = self.calls.live.get(call_id), self.calls.note_recording(call_id, noted)
        if call is not None:
            self.timelines.recording(before, call)
            for observer in self._recording_observers:
                observer(Change(before, call, ()))
        if call is not None and call.extension is not None:
            self._records.track(call)

    def order_recording(self, call_id: str, wanted: bool | None) -> PhoneCall | None:
        """Keep with the call whether an app wants it recorded; `wanted` as for the tracker."""
        call = self.calls.order_recording(call_id, wanted)
        if call is not None and call.extension is not None:
            self._records.track(call)
        return call

    async def resync(self, settled: Set[str] = frozenset()) -> None:
        """Compare with the PBX now; heals whatever a lost event left behind.

        `settled`: as in Window. If the link is down or the PBX refuses its list, nothing changes
        and nothing is raised.
        """
        since = now_ms()
        asked = await self._snapshots.ask()
        if asked is None:
            return
        snapshot, new_meanwhile = asked
        self._resync(snapshot, since, since, new_meanwhile, settled=settled)
        if any(result_is_missing(x) for x in self.calls.live):
            self.resync_later.request()

    def hang_up_channels(self, uniqueids: Iterable[str]) -> None:
        """Hang these channels up in the background; a hang-up that is not confirmed is logged."""
        self._hang_ups.begin(uniqueids)

    def begin(self, work: Coroutine[object, object, None]) -> None:
        """Begin this work on a call; a fault of it is logged, and `stop` ends it."""
        self._tasks.begin(work)

    def _take(self, event: PbxEvent) -> None:
        for change in self.calls.event(event):
            self._carry_out(change)
        if self.calls.orphans:
            self._hang_up_orphans()
        if isinstance(event, HELD_EVENTS) and event.uniqueid in self.calls.held:
            self._apply_later(event.uniqueid, first=True)

    def _apply_later(self, uniqueid: str, *, first: bool) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time() + HELD_MS / 1000
        loop.call_at(due_s, self._apply_held, uniqueid, due_s if first else None)

    def _apply_held(self, uniqueid: str, due_s: float | None) -> None:
        if due_s is not None and asyncio.get_running_loop().time() - due_s > _LATE_S:
            # The loop was busy: the event that says more may wait to be read.
            self._apply_later(uniqueid, first=False)
            return
        for change in self.calls.apply_held(uniqueid):
            self._carry_out(change)

    def _hang_up_orphans(self) -> None:
        if self.calls.orphans:
            log.warning("channel_of_ended_call_hung_up", channels=self.calls.orphans)
            self.hang_up_channels(self.calls.orphans)
            self.calls.orphans = []

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
        *,
        settled: Set[str],
        missed_events: bool = False,
    ) -> None:
        """`asked_ms`: when the snapshot was asked for, by our own clock."""
        self.clock_ahead_ms = ahead_ms = asked_ms - snapshot.at_ms
        without_channel_yet: Set[str] = self._without_channel_yet
        of_lost_instance = self._of_lost_instance.unheard_of()
        if self._of_lost_instance.may_come:
            without_channel_yet = without_channel_yet | of_lost_instance
        else:
            settled = settled | of_lost_instance
        window = Window(
            snapshot.at_ms,
            since_ms,
            self._grace_ms,
            ahead_ms,
            new_meanwhile,
            without_channel_yet,
            settled,
            missed_events,
            of_lost_instance,
        )
        for change in self.calls.resync(snapshot.channels, window):
            self._carry_out(change)
            if change.before is None and not has_our_id(change.after):
                self._tasks.begin(self._alive_after_end.check(change.after))
        self._hang_up_orphans()

    def _carry_out(self, change: Change) -> None:
        if change.before is None and has_our_id(change.after):
            self._tasks.begin(self._alive_after_end.check(change.after))
        self._changes.handle(change)

    def _enforce(self, call: PhoneCall) -> None:
        self.hang_up_channels(channels_to_end(call))


def last_moment(call: PhoneCall) -> int:
    """The latest moment at which something is known to have happened to the call."""
    moments = [call.ringing_ms, call.answered_ms, call.taken_ms]
    for leg in call.legs:
        moments += [leg.answered_ms, leg.ended_ms]
    return max(x for x in (call.published_ms, *moments) if x is not None)
