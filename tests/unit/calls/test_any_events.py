"""Whatever the PBX says, loses, repeats or mixes up: every call ends, once, and leaves nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.calls.directory_parties import DirectoryParties
from bridge.calls.live.change import Change
from bridge.calls.live.tracker import CallTracker
from bridge.calls.state import pbx_events as ev
from bridge.calls.state import reconcile
from bridge.calls.state.call_views import views_of
from bridge.calls.state.effects import CallEnded
from bridge.calls.state.legs import leg_index
from bridge.calls.state.phone_call import (
    EndedBy,
    FinalRecord,
    Flow,
    Leg,
    LegPhase,
    Origin,
    PhoneCall,
    Side,
)
from bridge.calls.state.reconcile import Window
from bridge.calls.state.rung_again import how_it_rang, only_rang
from bridge.calls.state.transition import apply
from bridge.pbx.ami.event_decode import decode_event
from bridge.testing.recorded_calls.recorded_events import RecordedEvent

from .any_events import API_ID, NOW_MS, UNIQUEIDS, Stream, channels, damaged_streams, synthetic
from .example_parties import PARTIES
from .index_check import IndexCheck, is_empty
from .replaying import STORIES, Replay, directory_of, recorded, tracker_of

GRACE_MS = 10_000
EFFORT = settings(max_examples=100, deadline=None)


@dataclass
class Watched:
    """A tracker whose every change is checked."""

    tracker: CallTracker = field(default_factory=lambda: CallTracker("pbx1", PARTIES))
    ended: dict[str, FinalRecord] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    events: int = 0
    index_check: IndexCheck = field(default_factory=lambda: IndexCheck(UNIQUEIDS))

    def add(self, call: PhoneCall) -> None:
        self.tracker.add(call)
        self.known.add(call.id)

    def event(self, event: ev.PbxEvent) -> None:
        self._check(self.tracker.event(event))
        self.events += 1
        if self.events % 8 == 0:  # what an index keeps wrongly, it keeps
            self.index_check.check(self.tracker.live)

    def resync(self, alive: list[ev.ChannelSnapshot], asked_ms: int) -> None:
        self._check(self.tracker.resync(alive, Window(asked_ms, NOW_MS, GRACE_MS)))
        self.index_check.check(self.tracker.live)

    def _check(self, changes: list[Change]) -> None:
        for change in changes:
            check_change(change)
            call = change.after
            if change.before is None:
                # A channel of a call that has ended is a call of its own, with an id of its own.
                assert call.id not in self.known
            else:
                assert change.before.id in self.known
            self.known.add(call.id)
            if call.final is not None:
                if change.before is not None:
                    assert change.before.final is None
                assert call.id not in self.ended
                self.ended[call.id] = call.final
            assert views_of(call) or not call.legs


def check_change(change: Change) -> None:
    """A change never goes back, and says that a call ended exactly when it did."""
    before, after = change.before, change.after
    endings = [x for x in change.effects if isinstance(x, CallEnded)]
    assert len(endings) == (after.final is not None)
    if before is None:
        return
    assert before.final is None
    assert after.id == before.id
    by_view = {x.view_id: x for x in after.legs}
    kept = [x for x in before.legs if x.view_id in by_view]
    assert [x.view_id for x in after.legs][: len(kept)] == [x.view_id for x in kept]
    for dropped in (x for x in before.legs if x.view_id not in by_view):
        # Of rings that ended alike the newest stays.
        assert only_rang(dropped)
        assert how_it_rang(dropped) in [how_it_rang(x) for x in kept if x.number == dropped.number]
    for old in kept:
        new = by_view[old.view_id]
        assert new.phase >= old.phase
        # Of several phones of a party the one that answers, or rings on, is the party's.
        devices = old.other_devices if old.phase < LegPhase.UP else ()
        # A list may show the further phone, and that the first one has gone.
        nobodys = new.uniqueid is not None and leg_index(before, new.uniqueid) is None
        just_came = old.phase < LegPhase.UP and nobodys
        # Of one behind a Local channel it is who the other half dials now.
        keeps = old.uniqueid in (None, new.uniqueid) or new.uniqueid in devices
        assert keeps or just_came or old.behind
        assert new.uniqueid not in new.other_devices
        assert len(set(new.other_devices)) == len(new.other_devices)
        assert old.answered_ms in (None, new.answered_ms)
    assert before.answered_ms in (None, after.answered_ms)
    moments = [(x.ringing_ms, x.answered_ms) for x in after.legs]
    for ringing_ms, answered_ms in ((after.ringing_ms, after.answered_ms), *moments):
        assert ringing_ms is None or answered_ms is None or ringing_ms <= answered_ms
    assert before.hang_up in (None, after.hang_up)
    assert len({x.view_id for x in after.legs}) == len(after.legs)


@EFFORT
@given(damaged_streams(), st.data())
def test_given_any_stream_when_the_pbx_then_has_no_channel_then_every_call_has_ended(
    stream: Stream, data: st.DataObject
) -> None:
    created, events, seen = stream.created, stream.events, stream.seen
    watched = Watched(tracker_of(stream.story))
    for call in created:
        watched.add(call)
    for event in events:
        watched.event(event)
    some = data.draw(st.lists(st.sampled_from(seen), unique=True) if seen else st.just([]))
    watched.resync([*some, *data.draw(st.lists(channels, max_size=3))], NOW_MS + 1)
    for event in events[:20]:
        watched.event(event)
    watched.resync([], NOW_MS + 2 * GRACE_MS)
    assert is_empty(watched.tracker.live)
    assert watched.known == set(watched.ended)


@EFFORT
@given(st.lists(synthetic, max_size=40), st.lists(channels, max_size=4))
def test_given_invented_events_when_resynced_then_nothing_is_left(
    events: list[ev.PbxEvent], alive: list[ev.ChannelSnapshot]
) -> None:
    watched = Watched()
    watched.add(api_call())
    for event in events:
        watched.event(event)
    watched.resync(alive, NOW_MS + 1)
    watched.resync([], NOW_MS + GRACE_MS + 1)
    assert is_empty(watched.tracker.live)
    assert watched.known == set(watched.ended)


@EFFORT
@given(
    st.lists(synthetic, max_size=30), st.lists(channels, max_size=5, unique_by=lambda x: x.uniqueid)
)
def test_given_a_snapshot_when_resynced_twice_then_the_second_changes_nothing(
    events: list[ev.PbxEvent], alive: list[ev.ChannelSnapshot]
) -> None:
    watched = Watched()
    for event in events:
        watched.event(event)
    watched.resync(alive, NOW_MS + 1)
    listed = {x.uniqueid for call in watched.tracker.live for x in call.channels.values()}
    window = Window(NOW_MS + 1, NOW_MS, GRACE_MS)
    again = watched.tracker.resync(alive, window)
    assert [x for change in again for x in change.effects] == []
    assert listed == {x.uniqueid for call in watched.tracker.live for x in call.channels.values()}


def test_given_a_channel_that_went_when_listed_alone_then_its_next_call_is_there_at_once() -> None:
    """Its call ends with the other channel, which is not listed; found by the test above."""
    caller, called = (
        ev.ChannelSnapshot(
            uid, "100.1", f"PJSIP/{number}-00000001", f"PJSIP/{number}", ev.ChannelState.UP
        )
        for uid, number in (("100.1", "0003*210"), ("100.2", "0003*211"))
    )
    watched = Watched()
    for event in (
        ev.ChannelAppeared(NOW_MS - 9, "100.1", "100.1", caller),
        ev.DialBegun(NOW_MS - 8, "100.1", called, "0003*211"),
        ev.ChannelHungUp(NOW_MS - 7, "100.1", "100.1", cause=16),
    ):
        watched.event(event)
    [first] = watched.tracker.live
    watched.resync([caller], NOW_MS + 1)
    assert list(watched.ended) == [first.id]
    [call] = watched.tracker.live
    assert list(call.channels) == ["100.1"]
    assert call.id != first.id
    watched.resync([caller], NOW_MS + 1)
    assert list(watched.tracker.live) == [call]


@EFFORT
@given(st.lists(synthetic, max_size=30), st.data())
def test_given_channels_as_they_were_when_resynced_then_looking_closer_finds_nothing_either(
    events: list[ev.PbxEvent], data: st.DataObject
) -> None:
    """The short cut for calls of which nothing was missed leads to where the long way does."""
    watched = Watched()
    for event in events:
        watched.event(event)
    window = Window(NOW_MS + 1, NOW_MS, GRACE_MS)
    for call in watched.tracker.live:
        alive = {
            x.uniqueid: replace(data.draw(channels), uniqueid=x.uniqueid, state=x.state)
            for x in call.channels.values()
        }
        if reconcile.reconcile(call, alive, window, PARTIES) == (call, []):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(reconcile, "is_as_known", lambda *_: False)
                assert reconcile.reconcile(call, alive, window, PARTIES) == (call, [])


def test_given_channels_as_they_were_and_no_source_when_resynced_then_who_talks_is_the_source() -> (
    None
):
    """The source handed the call over unheard; found by the test above."""
    root = "00000000000000000abc"
    at_ms = NOW_MS - 10_000
    first, second = (
        ev.ChannelSnapshot(uid, root, "PJSIP/0003*210-00000001", "PJSIP/0003*210", state)
        for uid, state in ((root, ev.ChannelState.DOWN), (f"{root};2", ev.ChannelState.DOWN))
    )
    elsewhere = replace(first, linkedid=second.uniqueid)
    watched = Watched()
    for event in (
        ev.ChannelAppeared(at_ms, root, second.uniqueid, elsewhere),
        ev.ChannelStateChanged(at_ms, root, root, ev.ChannelState.DOWN),
        ev.ChannelAppeared(at_ms, root, root, first),
        ev.DialBegun(at_ms, None, replace(first, state=ev.ChannelState.UP), "0003*210"),
        ev.DialBegun(at_ms, None, second, "0003*210"),
    ):
        watched.event(event)
    [call] = watched.tracker.live
    assert Side.SOURCE not in {x.side for x in call.legs}
    alive = {
        x.uniqueid: replace(first, uniqueid=x.uniqueid, state=x.state)
        for x in call.channels.values()
    }
    call, _ = reconcile.reconcile(call, alive, Window(NOW_MS + 1, NOW_MS, GRACE_MS), PARTIES)
    assert [x.side for x in call.legs if x.uniqueid == root] == [Side.SOURCE]


def tells_something(line: RecordedEvent) -> bool:
    """Whether the line is of the story itself, or an event that the service decodes."""
    told = line.headers["Event"] == "Story"
    return told or decode_event(line.headers, line.received_ms) is not None


@pytest.mark.parametrize("story", STORIES)
def test_given_any_cut_of_a_real_stream_when_resynced_with_nothing_then_all_calls_end(
    story: str,
) -> None:
    lines = recorded(story)
    # A line that nobody decodes changes nothing: one cut before it says as much as one after it.
    heard = [n for n, line in enumerate(lines) if tells_something(line)]
    assert heard
    for length in heard:
        replay = Replay(story)
        for line in lines[:length]:
            replay.take(line)
        replay.pass_time()
        IndexCheck().check(replay.tracker.live)
        live = [call.id for call in replay.tracker.live]
        last_ms = NOW_MS * 2
        changes = replay.tracker.resync([], Window(last_ms, last_ms - 5, GRACE_MS))
        assert [x.after.id for x in changes] == live
        for change in changes:
            check_change(change)
            final = change.after.final
            assert final is not None
            assert (final.at_ms, final.reason) == (last_ms, "lost while disconnected")
        assert is_empty(replay.tracker.live)


@pytest.mark.parametrize("story", STORIES)
def test_given_a_lost_newchannel_of_a_real_stream_when_replayed_then_no_id_ends_twice(
    story: str,
) -> None:
    """Without the first channel, the call of another one ends before the last channel comes."""
    lines = recorded(story)
    for lost in [n for n, line in enumerate(lines) if line.headers["Event"] == "Newchannel"]:
        replay = Replay(story)
        for line in (*lines[:lost], *lines[lost + 1 :]):
            replay.take(line)  # asserts it
        replay.pass_time()
        live = {call.id for call in replay.tracker.live}
        assert live.isdisjoint(replay.finals)
        last_ms = NOW_MS * 2
        changes = replay.tracker.resync([], Window(last_ms, last_ms - 5, GRACE_MS))
        assert {x.after.id for x in changes} == live
        assert is_empty(replay.tracker.live)


@EFFORT
@given(st.sampled_from(STORIES), st.data())
def test_given_any_state_of_a_real_call_when_any_event_comes_then_apply_has_an_answer(
    story: str, data: st.DataObject
) -> None:
    lines = recorded(story)
    replay = Replay(story)
    for line in lines[: data.draw(st.integers(1, len(lines)))]:
        replay.take(line)
    calls = [*replay.tracker.live, *replay.ended.values()]
    if not calls:
        return
    call = data.draw(st.sampled_from(calls))
    event = data.draw(synthetic)
    uniqueid = data.draw(st.sampled_from([call.linkedid, *call.channels]))
    if isinstance(event, ev.ChannelEvent):
        event = replace(event, uniqueid=uniqueid)
    elif isinstance(event, ev.DialEnded):
        event = replace(event, dialled_uniqueid=uniqueid)
    elif isinstance(event, ev.Transferred):
        event = replace(event, transferer=uniqueid)
    after, effects = apply(call, event, DirectoryParties(directory_of(story)))
    if call.final is not None:
        assert after is call
        assert effects == []
    else:
        check_change(Change(call, after, tuple(effects)))


def test_given_a_party_with_a_channel_when_another_claims_to_be_it_then_it_keeps_its_own() -> None:
    watched = Watched()
    watched.add(api_call())
    other = ev.ChannelSnapshot(
        f"{API_ID};2", API_ID, "PJSIP/0003*210-1", "PJSIP/0003*210", ev.ChannelState.DOWN
    )
    watched.event(ev.DialBegun(NOW_MS, f"{API_ID};2", other, "0003*210"))
    [call] = watched.tracker.live
    assert call.legs[0].uniqueid == other.uniqueid
    watched.resync([replace(other, uniqueid=API_ID)], NOW_MS + 1)
    [call] = watched.tracker.live
    assert call.legs[0].uniqueid == other.uniqueid


def test_given_an_accepted_call_when_resynced_within_the_grace_time_then_it_waits() -> None:
    watched = Watched()
    watched.add(api_call())
    watched.resync([], NOW_MS + GRACE_MS - 1)
    assert len(watched.tracker.live) == 1
    watched.resync([], NOW_MS + GRACE_MS)
    assert watched.ended[API_ID].by is EndedBy.UNKNOWN
    assert watched.ended[API_ID].not_before_ms == NOW_MS


def api_call() -> PhoneCall:
    return PhoneCall(
        id=API_ID,
        pbx="pbx1",
        linkedid=API_ID,
        origin=Origin.API,
        flow=Flow.LOCAL,
        published_ms=NOW_MS,
        extension="0003*210",
        user_id=12,
        organization="0003",
        legs=(
            Leg("00", Side.SOURCE, "0003*210", "210", "PJSIP/0003*210", "0003*210"),
            Leg("01", Side.DESTINATION, "0003*211", "211", "PJSIP/0003*211", "0003*211"),
        ),
    )
