"""The number of an Originate of somebody else that failed: the PBX tells it of no channel."""

from __future__ import annotations

from bridge.calls.live.held_answers import HELD_MS
from bridge.calls.live.tracker import CallTracker
from bridge.calls.state import pbx_events as ev
from bridge.calls.state.phone_call import PhoneCall

from .example_parties import PARTIES

AT_MS = 1_800_000_000_000
BUSY = 17


def rung(tracker: CallTracker, uniqueid: str) -> None:
    """Somebody else has the PBX ring 210."""
    endpoint = "PJSIP/0003*210"
    channel = ev.ChannelSnapshot(
        uniqueid, uniqueid, f"{endpoint}-01", endpoint, ev.ChannelState.DOWN, exten="s"
    )
    tracker.event(ev.ChannelAppeared(AT_MS, uniqueid, uniqueid, channel))
    tracker.event(ev.ChannelStateChanged(AT_MS, uniqueid, uniqueid, ev.ChannelState.RINGING))


def hung_up(tracker: CallTracker, uniqueid: str) -> list[PhoneCall]:
    changes = tracker.event(ev.ChannelHungUp(AT_MS, uniqueid, uniqueid, BUSY))
    return [x.after for x in changes]


def failed(tracker: CallTracker, reason: int = 0, exten: str = "211") -> list[PhoneCall]:
    event = ev.OriginateEnded(AT_MS, "", False, reason, exten, dialled="PJSIP/0003*210")
    return [x.after for x in tracker.event(event)]


def tracker_of(*uniqueids: str) -> CallTracker:
    tracker = CallTracker("pbx1", PARTIES)
    for uniqueid in uniqueids:
        rung(tracker, uniqueid)
    return tracker


def test_given_the_result_before_the_end_when_it_says_no_answer_then_the_number_is_known() -> None:
    tracker = tracker_of("1.1")
    assert [x.dialled for x in failed(tracker, reason=3)] == ["211"]
    [ended] = hung_up(tracker, "1.1")
    assert ended.final is not None
    assert ended.dialled == "211"


def test_given_the_result_after_the_end_when_it_comes_soon_then_the_number_is_known() -> None:
    tracker = tracker_of("1.1")
    assert hung_up(tracker, "1.1") == []
    *_, ended = failed(tracker)
    assert ended.final is not None
    assert (ended.dialled, ended.final.at_ms) == ("211", AT_MS)


def test_given_a_failure_just_before_the_end_then_the_number_is_known() -> None:
    tracker = tracker_of("1.1")
    assert failed(tracker) == []
    *_, ended = hung_up(tracker, "1.1")
    assert ended.final is not None
    assert ended.dialled == "211"


def test_given_a_failure_long_before_the_end_then_it_is_of_another_originate() -> None:
    tracker = tracker_of("1.1")
    failed(tracker)
    at_ms = AT_MS + HELD_MS + 1
    assert tracker.event(ev.ChannelHungUp(at_ms, "1.1", "1.1", BUSY)) == []
    [change] = tracker.apply_due(at_ms + HELD_MS)
    assert change.after.dialled == ""


def test_given_no_result_when_its_time_is_over_then_the_call_ends_without_a_number() -> None:
    tracker = tracker_of("1.1")
    hung_up(tracker, "1.1")
    assert tracker.apply_due(AT_MS + HELD_MS - 1) == []
    [change] = tracker.apply_due(AT_MS + HELD_MS)
    assert change.after.final is not None
    assert change.after.dialled == ""
    assert failed(tracker) == []


def test_given_a_held_end_when_its_channel_is_heard_of_again_then_the_call_has_ended() -> None:
    tracker = tracker_of("1.1")
    hung_up(tracker, "1.1")
    changes = tracker.event(ev.ChannelStateChanged(AT_MS, "1.1", "1.1", ev.ChannelState.RINGING))
    assert [x.after.final is not None for x in changes] == [True]
    assert list(tracker.live) == []


def test_given_another_originate_of_that_phone_when_it_failed_then_nothing_is_guessed() -> None:
    tracker = tracker_of("1.1", "1.2")
    assert failed(tracker, reason=3) == []
    tracker = tracker_of("1.1")
    assert failed(tracker, reason=0) == []  # that one may have had no channel


def test_given_a_phone_that_refuses_when_the_result_comes_first_then_its_number_is_known() -> None:
    tracker = tracker_of("1.1")
    tracker.event(ev.HangupRequested(AT_MS, "1.1", "1.1", BUSY))
    assert [x.dialled for x in failed(tracker)] == ["211"]
    assert len(hung_up(tracker, "1.1")) == 1


def test_given_two_originates_of_a_phone_when_one_is_gone_then_the_result_is_of_that_one() -> None:
    tracker = tracker_of("1.1", "1.2")
    hung_up(tracker, "1.2")
    *_, ended = failed(tracker)
    assert (ended.linkedid, ended.dialled) == ("1.2", "211")
    assert [x.linkedid for x in tracker.live] == ["1.1"]
