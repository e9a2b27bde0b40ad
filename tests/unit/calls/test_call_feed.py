"""The feed of changes: each follower gets those of its extensions, once and in order."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from bridge.calls.live.call_feed import KEPT, WAITING_MAX, CallFeed, FeedPosition
from bridge.calls.live.change import Change
from bridge.calls.live.tracker import Recorded
from bridge.calls.state.phone_call import Disposition, EndedBy, FinalRecord, PhoneCall

from .fakes import Exchange, accepted

AT_ONCE_S = 0.0
PAUSE_S, LONG_S = 0.05, 10.0
CLOCK_S = 0.002  # timers of uvloop are of milliseconds


def change(call: PhoneCall, **fields: object) -> Change:
    return Change(call, replace(call, **fields), ())  # type: ignore[arg-type]


async def test_given_two_extensions_of_one_call_when_it_changes_then_a_follower_gets_it_once() -> (
    None
):
    feed, call = CallFeed(), accepted()
    with feed.followed(["0003*210", "0003*211"]) as mine, feed.followed(["0003*212"]) as other:
        feed.note(change(call, ringing_ms=1))
        feed.note(change(call, ringing_ms=2))
        assert [x.after.ringing_ms for x in await mine.news(AT_ONCE_S)] == [1, 2]
        assert await mine.news(AT_ONCE_S) == []
        assert await other.news(AT_ONCE_S) == []
    feed.note(change(call, ringing_ms=3))
    assert await mine.news(AT_ONCE_S) == []


async def test_given_a_pause_after_news_when_calls_change_in_it_then_they_come_together() -> None:
    feed, call = CallFeed(), accepted()
    with feed.followed(["0003*210"]) as follower:
        feed.note(change(call, ringing_ms=1))
        assert len(await follower.news(LONG_S, PAUSE_S)) == 1
        began_s = time.monotonic()
        waiting = asyncio.create_task(follower.news(LONG_S, PAUSE_S))
        await asyncio.sleep(0)
        feed.note(change(call, ringing_ms=2))
        await asyncio.sleep(PAUSE_S / 2)  # still within the pause
        feed.note(change(call, ringing_ms=3))
        assert [x.after.ringing_ms for x in await waiting] == [2, 3]
        assert PAUSE_S - CLOCK_S < time.monotonic() - began_s < LONG_S


async def test_given_a_pause_after_news_when_the_feed_closes_then_it_ends_at_once() -> None:
    feed, call = CallFeed(), accepted()
    with feed.followed(["0003*210"]) as follower:
        feed.note(change(call, ringing_ms=1))
        await follower.news(LONG_S, LONG_S)
        feed.note(change(call, ringing_ms=2))
        waiting = asyncio.create_task(follower.news(LONG_S, LONG_S))
        await asyncio.sleep(0)
        feed.close()
        async with asyncio.timeout(LONG_S / 2):
            assert len(await waiting) == 1


async def test_given_a_party_that_is_gone_when_the_call_changes_then_it_still_hears_of_it() -> None:
    feed, call = CallFeed(), accepted()
    with feed.followed(["0003*211"]) as follower:
        feed.note(change(call, legs=call.legs[:1]))
        assert len(await follower.news(AT_ONCE_S)) == 1


async def test_given_a_follower_that_does_not_read_when_too_much_waits_then_it_is_ended() -> None:
    feed, call = CallFeed(), accepted()
    with feed.followed(["0003*210"]) as slow, feed.followed(["0003*210"]) as quick:
        for number in range(WAITING_MAX + 1):
            feed.note(change(call, ringing_ms=number))
            assert len(await quick.news(AT_ONCE_S)) == 1
        assert slow.ended
        assert slow.too_slow
        assert not quick.ended


def test_given_a_place_when_asked_then_what_came_after_it_while_that_is_kept() -> None:
    feed, call = CallFeed(kept=3), accepted()
    start = feed.position
    assert feed.since(start) == []
    for number in range(3):
        feed.note(change(call, ringing_ms=number))
    assert [x.after.ringing_ms for x in feed.since(start) or ()] == [0, 1, 2]
    feed.note(change(call, ringing_ms=3))
    assert feed.since(start) is None
    assert feed.since(feed.position) == []


@pytest.mark.parametrize(
    "other",
    [FeedPosition(1, 0, 1), FeedPosition(0, 0, 0), FeedPosition(0, 2**40, 2**40)],
)
def test_given_a_place_of_another_feed_when_asked_then_nothing_is_known(
    other: FeedPosition,
) -> None:
    feed = CallFeed()
    feed.note(change(accepted(), ringing_ms=1))
    assert feed.since(other) is None
    ahead = replace(feed.position, number=feed.position.number + 1)
    assert feed.since(ahead) is None


def test_given_a_first_change_when_fed_then_no_reader_knew_the_call_before() -> None:
    feed, call = CallFeed(), accepted()
    start = feed.position
    feed.note(change(call, ringing_ms=1))
    feed.note(change(call, ringing_ms=2))
    final = FinalRecord(5, Disposition.NO_ANSWER, EndedBy.API, "cancelled")
    feed.note(change(call, final=final))
    assert [x.before is None for x in feed.since(start) or ()] == [True, False, False]
    assert [x.id for x in feed.ended_since(5)] == [call.id]
    assert feed.ended_since(6) == []


async def test_given_a_closed_feed_when_followed_then_it_ends_at_once() -> None:
    feed = CallFeed()
    with feed.followed(["0003*210"]) as before:
        feed.close()
        assert before.ended
        assert not before.too_slow
        with feed.followed(["0003*211"]) as after:
            assert after.ended


def test_memory_is_bounded() -> None:
    feed, call = CallFeed(), accepted()
    start = feed.position
    for number in range(KEPT):
        feed.note(change(call, ringing_ms=number))
    assert len(feed.since(start) or ()) == KEPT
    feed.note(change(call, ringing_ms=0))
    assert feed.since(start) is None


def test_given_a_recording_when_it_begins_and_ends_then_a_follower_is_told_of_both() -> None:
    """No event of the PBX tells it; a list shows it."""
    switchboard, one, feed = Exchange().switchboard, accepted(), CallFeed()
    switchboard.observe_recordings(feed.note)
    switchboard.calls.add(one)
    for noted in (Recorded(1, "rec1", being_recorded=True), None, None):
        switchboard.note_recording(one.id, noted)
    told = feed.since(FeedPosition(feed.position.began_ms, 0, 0)) or []
    assert [x.after.being_recorded for x in told] == [True, False]
