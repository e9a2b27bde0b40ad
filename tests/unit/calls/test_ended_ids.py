"""An id has one final record, also if channels of an ended call come after its end."""

from __future__ import annotations

import pytest

from bridge.calls.live.change import Change
from bridge.calls.live.tracker import CallTracker
from bridge.calls.state import pbx_events as ev
from bridge.calls.state.call_end import mark_hang_up
from bridge.calls.state.phone_call import EndedBy, PhoneCall, derived_call_id
from bridge.calls.state.reconcile import Window

from .example_parties import PARTIES
from .fakes import CALL_ID, accepted

NOW_MS = 1_800_000_000_000
ROOT = "100.1"


def _channel(uniqueid: str, linkedid: str) -> ev.ChannelSnapshot:
    return ev.ChannelSnapshot(
        uniqueid, linkedid, "PJSIP/0003*211-1", "PJSIP/0003*211", ev.ChannelState.RINGING
    )


def _comes(tracker: CallTracker, uniqueid: str, linkedid: str, at_ms: int) -> list[Change]:
    channel = _channel(uniqueid, linkedid)
    return tracker.event(ev.ChannelAppeared(at_ms, uniqueid, linkedid, channel))


def _goes(tracker: CallTracker, uniqueid: str, linkedid: str, at_ms: int) -> PhoneCall:
    [change] = tracker.event(ev.ChannelHungUp(at_ms, uniqueid, linkedid, 16))
    assert change.after.final is not None
    return change.after


@pytest.mark.parametrize("apart_ms", [0, 7])
def test_given_channels_of_an_ended_call_when_they_come_then_each_is_a_call_of_its_own(
    apart_ms: int,
) -> None:
    tracker = CallTracker("pbx1", PARTIES)
    ids = []
    for number in range(5):
        at_ms = NOW_MS + number * apart_ms
        _comes(tracker, f"100.{number}", ROOT, at_ms)
        ids.append(_goes(tracker, f"100.{number}", ROOT, at_ms).id)
    assert ids[0] == derived_call_id("pbx1", ROOT)
    # As for a call that storage alone knows as ended.
    assert ids[1] == derived_call_id("pbx1", f"{ROOT} {NOW_MS}")
    assert len(set(ids)) == len(ids)


def test_given_an_ended_call_when_two_of_its_channels_are_listed_then_they_are_one_call() -> None:
    tracker = CallTracker("pbx1", PARTIES)
    _comes(tracker, "100.2", ROOT, NOW_MS)
    first = _goes(tracker, "100.2", ROOT, NOW_MS)
    listed = [_channel("100.3", ROOT), _channel("100.4", ROOT)]
    tracker.resync(listed, Window(NOW_MS + 1, NOW_MS, 10_000))
    [call] = tracker.live
    assert set(call.channels) == {"100.3", "100.4"}
    assert call.id != first.id


def test_given_an_ended_call_of_the_api_when_a_channel_comes_then_it_is_hung_up() -> None:
    tracker = CallTracker("pbx1", PARTIES)
    tracker.add(mark_hang_up(accepted(), EndedBy.API, NOW_MS))
    _comes(tracker, CALL_ID, CALL_ID, NOW_MS)
    tracker.event(ev.OriginateEnded(NOW_MS, CALL_ID, succeeded=False, reason=0))
    assert _goes(tracker, CALL_ID, CALL_ID, NOW_MS).id == CALL_ID
    assert _comes(tracker, "100.9", CALL_ID, NOW_MS + 1) == []
    assert tracker.orphans == ["100.9"]
