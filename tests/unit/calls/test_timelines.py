"""The timelines of calls: of every recording, bounded, and as text."""

from __future__ import annotations

import itertools

import pytest
import structlog

from bridge.calls.live.change import Change
from bridge.calls.live.tracker import Recorded
from bridge.calls.state.effects import CallConnected
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.pbx_events import HoldBegun, HoldEnded
from bridge.calls.state.phone_call import EndedBy, Leg, LegPhase, PhoneCall, Side
from bridge.calls.timeline.entry import (
    EntryType,
    Timeline,
    UnreadableTimeline,
    timeline_from_text,
    timeline_of_texts,
)
from bridge.calls.timeline.timelines import Timelines

from .fakes import Exchange
from .fakes import accepted as call
from .replaying import STORIES, Replay, recorded

# Events of two channels may bear moments that are not in their order.
_OUT_OF_ORDER_MS = 30
# The phone of a forward answers without a channel that is known, or there is no channel at all.
_END_WITHOUT_CHANNEL = {"forwarded_source", "source_not_registered"}


def timelines_of(story: str) -> dict[str, Timeline]:
    replay, timelines, found = Replay(story), Timelines(500), {}
    for line in recorded(story):
        changes = replay.take(line)
        if "PublishedMs" in line.headers:
            call_id = line.headers["CallId"]
            timelines.accepted(next(x for x in replay.tracker.live if x.id == call_id))
        for change in changes:
            timelines.changed(change)
            if change.after.final is not None:
                found[change.after.id] = timelines.of(change.after.id) or Timeline()
                timelines.forget(change.after.id)
    assert len(timelines) == 0
    return found


@pytest.mark.parametrize("story", STORIES)
def test_given_a_recording_then_each_timeline_leads_from_a_dial_to_the_hang_ups(
    story: str,
) -> None:
    for timeline in timelines_of(story).values():
        moments = [x.at_ms for x in timeline.entries]
        for before, after in itertools.pairwise(moments):
            assert after >= before - _OUT_OF_ORDER_MS
        types = [x.type for x in timeline.entries if x.type is not EntryType.ACCEPTED]
        assert types[-1] is EntryType.ENDED
        if story in _END_WITHOUT_CHANNEL:
            continue
        assert types[0] in (EntryType.DIAL, EntryType.SPLIT)
        assert types[-2] in (EntryType.HANGUP, EntryType.JOINED)
        dials = [x for x in timeline.entries if x.type is EntryType.DIAL]
        dialled = [x.facts["channel"] for x in dials if "channel" in x.facts]
        assert len(dialled) == len(set(dialled)), "a channel is dialled once"


def test_given_a_simple_call_then_its_timeline_names_parties_channels_and_causes() -> None:
    [timeline] = timelines_of("simple_source_hangs_up").values()
    said = [
        (x.type.value, x.facts.get("view"), x.facts.get("hangupCause")) for x in timeline.entries
    ]
    assert said == [
        ("accepted", None, None),
        ("dial", "00", None),
        ("ringing", "00", None),
        ("answered", "00", None),
        ("dial", "01", None),
        ("ringing", "01", None),
        ("answered", "01", None),
        ("connected", None, None),
        ("hangup", "00", 16),
        ("hangup", "01", 16),
        ("ended", None, 16),
    ]


@pytest.mark.parametrize(
    ("story", "wanted"),
    [
        ("attended_transfer_by_source", {EntryType.HOLD, EntryType.TRANSFER, EntryType.JOINED}),
        ("office/parked_and_called_back", {EntryType.PARKED, EntryType.PARKING_ENDED}),
        ("office/group_pick_up", {EntryType.PICKED_UP}),
        ("office/both_moved_apart", {EntryType.SPLIT}),
        ("listened_to_by_app", {EntryType.LISTENING}),
        ("listened_to_by_app_for_a_while", {EntryType.LISTENING, EntryType.LISTENING_ENDED}),
    ],
)
def test_given_a_talk_that_goes_on_elsewhere_then_the_timeline_tells_how(
    story: str, wanted: set[EntryType]
) -> None:
    told = {x.type for timeline in timelines_of(story).values() for x in timeline.entries}
    assert wanted <= told


def up(call: PhoneCall) -> PhoneCall:
    leg = replace(call.legs[0], phase=LegPhase.UP, uniqueid=call.id)
    return replace(call, legs=(leg, *call.legs[1:]))


def test_given_endless_holds_when_there_are_too_many_then_the_middle_is_left_out() -> None:
    timelines, talking = Timelines(10), up(call())
    timelines.accepted(talking)
    for at_ms in range(100):
        held = replace(
            talking, legs=(replace(talking.legs[0], on_hold_ms=at_ms), *talking.legs[1:])
        )
        timelines.changed(Change(talking, held, (), HoldBegun(at_ms, talking.id, talking.id)))
        timelines.changed(Change(held, talking, (), HoldEnded(at_ms, talking.id, talking.id)))
    timeline = timelines.of(talking.id)
    assert timeline is not None
    assert (len(timeline.entries), timeline.left_out) == (10, 191)
    assert timeline.entries[0].type is EntryType.ACCEPTED
    assert timeline.entries[-1].at_ms == 99
    again = timeline_from_text(timelines.text(talking.id) or "")
    assert (list(again.entries), again.left_out) == (list(timeline.entries), 191)


def test_given_the_setting_is_0_then_there_are_no_timelines() -> None:
    timelines, one = Timelines(0), call()
    timelines.accepted(one)
    timelines.changed(Change(one, up(one), (CallConnected(1),)))
    timelines.hang_up_asked(one, EndedBy.API)
    timelines.sip_call_id(one.id, "1.1", "abc")
    timelines.restore({one.id: timeline_of_texts(b"", 0, {})})
    assert (len(timelines), timelines.of(one.id), timelines.text(one.id)) == (0, None, None)


def test_given_news_then_they_are_in_the_next_text_and_are_no_news_any_more() -> None:
    timelines, one = Timelines(10), call()
    timelines.accepted(one)
    timelines.of(one.id)  # for somebody who reads it
    assert timelines.has_news(one.id)
    first = timelines.text(one.id)
    assert not timelines.has_news(one.id)
    assert timelines.text(one.id) == first
    timelines.digits_sent(one.id, "00", 4)
    assert timelines.has_news(one.id)
    assert '"count":4' in (timelines.text(one.id) or "")


def test_given_a_request_then_its_id_and_its_app_are_told() -> None:
    timelines, one = Timelines(10), call()
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        timelines.accepted(one)
        timelines.hang_up_asked(one, EndedBy.API, "user-12")
    timelines.hang_up_asked(one, EndedBy.AGE_LIMIT)
    accepted, asked, rule = (timelines.of(one.id) or Timeline()).entries
    assert accepted.facts["requestId"] == "r1"
    assert asked.facts == {"by": "api", "app": "user-12", "requestId": "r1"}
    assert rule.facts == {"by": "age limit"}


def test_given_a_restart_then_the_timeline_goes_on() -> None:
    before, after, one = Timelines(10), Timelines(10), call()
    before.accepted(one)
    before.sip_call_id(one.id, "1.1", "abc")
    after.restore({one.id: before.text(one.id) or "", "other": "{"})
    timeline = after.of(one.id) or Timeline()
    assert [x.type for x in timeline.entries] == [EntryType.ACCEPTED, EntryType.RESUMED]
    assert timeline.sip_call_ids == {"1.1": "abc"}
    assert after.of("other") is None


def test_given_a_recording_that_begins_and_ends_then_both_are_told() -> None:
    switchboard, one = Exchange().switchboard, call()
    switchboard.timelines = Timelines(10)
    switchboard.calls.add(one)
    switchboard.timelines.accepted(one)
    switchboard.note_recording(one.id, Recorded(1, "rec1", being_recorded=True))
    switchboard.note_recording(one.id, Recorded(2, "rec1", being_recorded=True))
    switchboard.note_recording(one.id, None)
    told = (switchboard.timelines.of(one.id) or Timeline()).entries[1:]
    assert [(x.type, x.facts) for x in told] == [
        (EntryType.RECORDING_STARTED, {"recordingId": "rec1"}),
        (EntryType.RECORDING_STOPPED, {"recordingId": "rec1"}),
    ]


def test_given_a_party_that_the_api_transfers_then_the_target_is_told_and_what_is_undone() -> None:
    timelines, talking = Timelines(10), up(call())
    timelines.accepted(talking)
    gone = replace(talking.legs[0], handed_over=True)
    target = Leg(view_id="07", side=Side.DESTINATION, number="0003*212", spelled="")
    handed = replace(talking, legs=(gone, *talking.legs[1:], target), dialled="0003*212")
    timelines.changed(Change(talking, handed, ()))
    timelines.changed(Change(handed, talking, ()))
    told = (timelines.of(talking.id) or Timeline()).entries[1:]
    assert [(x.type, x.facts.get("target")) for x in told] == [
        (EntryType.TRANSFER, "0003*212"),
        (EntryType.TRANSFER_UNDONE, None),
    ]


def test_given_a_text_of_another_version_then_it_is_unreadable() -> None:
    with pytest.raises(UnreadableTimeline):
        timeline_from_text('{"entries":[{"at_ms":1,"type":"unheardOf","facts":{}}]}')
