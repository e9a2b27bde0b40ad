"""Calls per second, on a clock that stands still between the calls."""

from __future__ import annotations

import asyncio

import pytest

from bridge.calls.errors import TooManyCalls
from bridge.calls.pace import Pace
from tests.lab.instant_time import instant


def pace_of(per_second: float, burst: int, wait_max_ms: int) -> Pace:
    return Pace(per_second, burst, wait_max_ms, clock=_now_s)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


@instant
async def test_given_a_burst_when_calls_come_then_they_pass_at_once_and_the_next_waits() -> None:
    pace, began_s = pace_of(10, 3, 2000), _now_s()
    for _ in range(3):
        await pace.turn()
    assert _now_s() == began_s
    await pace.turn()
    assert _now_s() - began_s == pytest.approx(0.1, abs=0.001)


@instant
async def test_given_many_calls_when_they_wait_then_they_go_at_the_rate() -> None:
    pace, began_s = pace_of(10, 1, 2000), _now_s()
    for _ in range(21):
        await pace.turn()
    assert _now_s() - began_s == pytest.approx(2.0, abs=0.001)


@instant
async def test_given_no_time_to_wait_when_the_pace_is_full_then_the_caller_is_told_when() -> None:
    pace = pace_of(0.5, 1, 0)
    await pace.turn()
    with pytest.raises(TooManyCalls) as refused:
        await pace.turn()
    assert refused.value.retry_after_s == 2
    await asyncio.sleep(2)
    await pace.turn()


@instant
async def test_given_a_refused_caller_when_the_next_comes_then_no_turn_was_lost() -> None:
    pace = pace_of(1, 1, 0)
    await pace.turn()
    for _ in range(5):
        with pytest.raises(TooManyCalls):
            await pace.turn()
    await asyncio.sleep(1)
    await pace.turn()


@instant
async def test_given_a_long_pause_when_calls_come_then_only_the_burst_is_free() -> None:
    pace = pace_of(10, 2, 0)
    await asyncio.sleep(3600)
    await pace.turn()
    await pace.turn()
    with pytest.raises(TooManyCalls):
        await pace.turn()
