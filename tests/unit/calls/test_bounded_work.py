"""The work for one event does not grow with what the PBX has said before."""

from __future__ import annotations

from collections import Counter

from bridge.calls.live.call_index import LINKEDIDS_MAX
from bridge.calls.live.tracker import CallTracker
from bridge.calls.state import pbx_events as ev
from bridge.calls.state.joining import CHANNELS_MAX

from .example_parties import PARTIES
from .index_check import IndexCheck, is_empty

NOW_MS = 1_800_000_000_000


def _phone_calls(tracker: CallTracker, uniqueid: str) -> None:
    channel = ev.ChannelSnapshot(
        uniqueid, uniqueid, "PJSIP/0003*210-1", "PJSIP/0003*210", ev.ChannelState.UP
    )
    tracker.event(ev.ChannelAppeared(NOW_MS, uniqueid, uniqueid, channel))


def _enters(uniqueid: str, linkedid: str, bridge: str) -> ev.ChannelBridged:
    return ev.ChannelBridged(NOW_MS, uniqueid, linkedid, ev.ChannelState.UP, bridge)


def test_given_a_channel_of_ever_new_linkedids_when_looked_up_then_the_last_ones_are_known() -> (
    None
):
    tracker = CallTracker("pbx1", PARTIES)
    _phone_calls(tracker, "100.1")
    names = [f"200.{x}" for x in range(200)]
    for number, linkedid in enumerate(names):
        tracker.event(_enters("100.1", linkedid, f"bridge {number}"))
    [call] = tracker.live
    assert tracker.live.linkedids(call) == ["100.1", *names[-LINKEDIDS_MAX:]]
    assert tracker.live.of_linkedid(names[0]) is None
    assert tracker.live.of_linkedid(names[-1]) is call
    IndexCheck().check(tracker.live)
    tracker.event(ev.ChannelHungUp(NOW_MS, "100.1", names[0], 16))
    assert is_empty(tracker.live)


def test_given_more_calls_in_one_bridge_than_people_talk_then_each_channel_ends_in_one_call() -> (
    None
):
    tracker = CallTracker("pbx1", PARTIES)
    uniqueids = [f"100.{x}" for x in range(2 * CHANNELS_MAX)]
    ended: Counter[str] = Counter()
    for uniqueid in uniqueids:
        _phone_calls(tracker, uniqueid)
        for change in tracker.event(_enters(uniqueid, uniqueid, "bridge")):
            ended[change.after.id] += change.after.final is not None
    sizes = [len(call.channels) for call in tracker.live]
    assert max(sizes) <= CHANNELS_MAX
    assert sum(sizes) == len(uniqueids)
    for uniqueid in uniqueids:
        for change in tracker.event(ev.ChannelHungUp(NOW_MS, uniqueid, uniqueid, 16)):
            ended[change.after.id] += change.after.final is not None
    assert is_empty(tracker.live)
    assert set(ended.values()) == {1}
    assert len(ended) == len(uniqueids)
