"""The answer of a phone that dialled and rings nobody: held until it is known what it talks to."""

from __future__ import annotations

import asyncio
import time

import pytest

from bridge.calls.live.held_answers import HELD_MS
from bridge.calls.live.tracker import CallTracker
from bridge.calls.state import pbx_events as ev
from bridge.calls.state.effects import CallConnected
from bridge.calls.state.pbx_events import ChannelState

from .example_parties import PARTIES
from .fakes import Exchange

AT_MS = 1_800_000_000_000
PHONE = "PJSIP/0003*212"
CHANNEL = ev.ChannelSnapshot(
    "1.1", "1.1", f"{PHONE}-00000001", PHONE, ChannelState.RING, exten="*8"
)


def dialled() -> CallTracker:
    tracker = CallTracker("pbx1", PARTIES)
    tracker.event(ev.ChannelAppeared(AT_MS, "1.1", "1.1", CHANNEL))
    return tracker


def up(at_ms: int = AT_MS) -> ev.ChannelStateChanged:
    return ev.ChannelStateChanged(at_ms, "1.1", "1.1", ChannelState.UP)


def is_connected(tracker: CallTracker) -> bool:
    [call] = tracker.live
    return call.answered_ms is not None


def test_given_a_phone_that_is_up_when_the_time_is_over_then_it_talks_to_a_service() -> None:
    tracker = dialled()
    assert tracker.event(up()) == []
    assert tracker.event(up()) == []  # told twice
    assert tracker.apply_due(AT_MS + HELD_MS - 1) == []
    [change] = tracker.apply_due(AT_MS + HELD_MS)
    assert CallConnected(AT_MS) in change.effects
    assert not tracker.held


@pytest.mark.parametrize(
    "event",
    [
        ev.HangupRequested(AT_MS + 1, "1.1", "1.1", 16),
        ev.HoldBegun(AT_MS + 1, "1.1", "1.1"),
        ev.DialBegun(AT_MS + 1, "1.1", CHANNEL, "0003*211"),
    ],
)
def test_given_a_held_answer_when_more_is_heard_of_the_channel_then_it_is_told_first(
    event: ev.PbxEvent,
) -> None:
    tracker = dialled()
    tracker.event(up())
    told, *_ = tracker.event(event)
    assert CallConnected(AT_MS) in told.effects


def test_given_a_held_answer_when_the_phone_says_it_does_not_hold_then_it_stays_held() -> None:
    tracker = dialled()
    tracker.event(up())
    tracker.event(ev.HoldEnded(AT_MS + 1, "1.1", "1.1"))
    assert not is_connected(tracker)


def test_given_a_held_answer_when_it_is_alone_in_a_bridge_then_it_stays_held() -> None:
    tracker = dialled()
    tracker.event(up())
    tracker.event(ev.ChannelBridged(AT_MS + 1, "1.1", "1.1", ChannelState.UP, "bridge"))
    assert not is_connected(tracker)
    tracker.apply_due(AT_MS + HELD_MS)
    assert is_connected(tracker)


def test_given_a_held_answer_when_the_channel_is_gone_then_the_call_was_answered() -> None:
    tracker = dialled()
    tracker.event(up())
    *_, change = tracker.event(ev.ChannelHungUp(AT_MS + 1, "1.1", "1.1", 16))
    assert change.after.answered_ms == AT_MS
    assert not tracker.held


async def test_given_silence_after_it_when_the_time_is_over_then_the_service_tells_it() -> None:
    exchange = Exchange()
    exchange.switchboard.pbx_event(ev.ChannelAppeared(AT_MS, "1.1", "1.1", CHANNEL))
    exchange.switchboard.pbx_event(up())
    assert not is_connected(exchange.switchboard.calls)
    await asyncio.sleep(2 * HELD_MS / 1000)  # the time is over
    assert is_connected(exchange.switchboard.calls)


async def test_given_a_busy_loop_when_the_time_is_over_then_more_is_heard_first() -> None:
    exchange = Exchange()
    exchange.switchboard.pbx_event(ev.ChannelAppeared(AT_MS, "1.1", "1.1", CHANNEL))
    exchange.switchboard.pbx_event(up())
    time.sleep(2 * HELD_MS / 1000)  # noqa: ASYNC251 - the loop is to be busy
    await asyncio.sleep(0.01)  # the timers that were due run
    assert not is_connected(exchange.switchboard.calls)
    await asyncio.sleep(2 * HELD_MS / 1000)  # the time is over
    assert is_connected(exchange.switchboard.calls)
