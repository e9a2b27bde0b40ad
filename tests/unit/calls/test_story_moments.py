"""What every recorded story must obey, and the moments and fields that lines do not show."""

from __future__ import annotations

import pytest

from bridge.calls.live.channel_hang_ups import channels_to_end
from bridge.calls.state.pbx_events import (
    ChannelAppeared,
    ChannelHungUp,
    DialBegun,
    HoldBegun,
    OriginateEnded,
)
from bridge.calls.state.phone_call import Flow, LegPhase, Origin, derived_call_id

from .replaying import STORIES, Replay, recorded, typed


@pytest.mark.parametrize("story", STORIES)
def test_given_a_story_when_replayed_then_it_obeys_the_rules_of_every_story(story: str) -> None:
    """One test for all rules: each replay of 400 stories takes seconds."""
    replay = Replay(story).run()
    _is_the_same_when_replayed_again(story, replay)
    _has_the_same_records_when_every_event_comes_twice(story, replay)
    _ends_each_call_with_an_event_that_says_so(story, replay)
    _ends_live_channels_when_deleted_at_any_moment(story)


def _is_the_same_when_replayed_again(story: str, first: Replay) -> None:
    second = Replay(story).run()
    assert first.changes == second.changes
    assert first.finals


def _has_the_same_records_when_every_event_comes_twice(story: str, once: Replay) -> None:
    assert Replay(story, every_event_twice=True).run().finals == once.finals


def _ends_each_call_with_an_event_that_says_so(story: str, replay: Replay) -> None:
    ends = {x.at_ms for x in typed(recorded(story)) if type(x) in (ChannelHungUp, OriginateEnded)}
    joined = {x.at_ms for x in replay.finals.values() if x.reason.startswith("joined call ")}
    assert {x.at_ms for x in replay.finals.values()} - joined <= ends
    assert replay.ended
    for call in replay.ended.values():
        assert not call.channels
        assert all(x.phase is LegPhase.GONE and x.ended_ms for x in call.legs)


def _ends_live_channels_when_deleted_at_any_moment(story: str) -> None:
    replay = Replay(story)
    ended: set[str] = set()
    for line in recorded(story):
        replay.take(line)
        for call in replay.tracker.live:
            ending = channels_to_end(call)
            assert bool(ending) == bool(call.channels)
            assert set(ending) <= set(call.channels)
            ended.update(ending)
    # A call to a phone that is not registered never has a channel.
    assert bool(ended) == any(isinstance(x, ChannelAppeared) for x in typed(recorded(story)))


def test_given_a_simple_call_when_replayed_then_its_moments_are_those_of_the_pbx() -> None:
    replay = Replay("simple_source_hangs_up").run()
    (call,) = replay.ended.values()
    events = typed(recorded("simple_source_hangs_up"))
    source, destination = call.legs
    second_dial = next(x for x in events if isinstance(x, DialBegun) and x.caller is not None)
    assert destination.uniqueid == second_dial.dialled.uniqueid
    assert source.uniqueid == call.id
    assert call.published_ms <= (source.ringing_ms or 0) <= (source.answered_ms or 0)
    assert (source.answered_ms or 0) <= second_dial.at_ms <= (destination.answered_ms or 0)
    assert call.ringing_ms == source.ringing_ms
    assert call.answered_ms == destination.answered_ms
    assert call.final is not None
    assert call.final.at_ms == max(x.ended_ms or 0 for x in call.legs)


def test_given_two_talk_when_one_holds_then_the_party_is_on_hold_until_it_resumes() -> None:
    replay = Replay("simple_held_and_resumed").until("211 resumes")
    held = next(x for x in typed(recorded(replay.story)) if isinstance(x, HoldBegun))
    assert [x.on_hold_ms for x in replay.call("api").legs] == [None, held.at_ms]
    replay.until("210 hangs up")
    assert [x.on_hold_ms for x in replay.call("api").legs] == [None, None]
    replay.run()
    assert replay.end_of("api") == "ANSWERED by source: normal clearing, cause 16"


def test_given_calls_nobody_ordered_when_they_come_then_the_extension_in_them_pays() -> None:
    incoming = Replay("incoming_answered").until("210 hangs up").call("call 1")
    assert (incoming.origin, incoming.flow) == (Origin.TRUNK, Flow.INCOMING)
    assert (incoming.extension, incoming.user_id, incoming.organization) == ("0003*210", 12, "0003")
    assert incoming.dialled == "5550003210"
    outgoing = Replay("dialled_public").until("210 hangs up").call("call 1")
    assert (outgoing.origin, outgoing.flow) == (Origin.PHONE, Flow.OUTGOING)
    assert (outgoing.extension, outgoing.dialled) == ("0003*210", "3235550200")
    local = Replay("dialled_local_short_cancelled").until("210 gives up").call("call 1")
    assert (local.origin, local.flow, local.dialled) == (Origin.PHONE, Flow.LOCAL, "211")
    assert local.id == derived_call_id("pbx1", local.linkedid)
    assert local.extensions == {"0003*210", "0003*211"}


@pytest.mark.parametrize(
    ("story", "moment", "parties"),
    [
        ("blind_transfer_by_source", "212 hangs up", (("0003*211",), ("0003*212",))),
        ("blind_transfer_by_destination", "212 hangs up", (("0003*210",), ("0003*212",))),
        ("attended_transfer_by_source", "212 hangs up", (("0003*211",), ("0003*212",))),
        ("attended_transfer_by_destination", "212 hangs up", (("0003*210",), ("0003*212",))),
        ("attended_transfer_while_target_rings", "212 picks", (("0003*210",), ("0003*212",))),
        ("attended_transfer_to_sandbox", "210 hangs up", (("0003*210",), ("0003*00",))),
    ],
)
def test_given_a_transfer_when_done_then_views_name_who_talks_to_whom(
    story: str, moment: str, parties: tuple[tuple[str, ...], tuple[str, ...]]
) -> None:
    replay = Replay(story).until("transfers" if "blind" in story else "connects").until(moment)
    assert replay.parties() == parties
    call = replay.call("api")
    present = {x for side in parties for x in side if x != "0003*00"}
    assert all(call in replay.tracker.live.of_extension(x) for x in present)
    assert set(channels_to_end(call)) <= set(call.channels)
