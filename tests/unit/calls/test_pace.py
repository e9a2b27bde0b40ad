"""Pace, with a clock that the test turns."""

from __future__ import annotations

import pytest

from bridge.calls.errors import TooManyCalls
from bridge.calls.pace import Pace


class Clock:
    """Sleeping turns it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        monkeypatch.setattr("bridge.calls.pace.asyncio.sleep", self._sleep)

    def __call__(self) -> float:
        return self.now_s

    async def _sleep(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


async def test_given_a_burst_when_calls_come_then_they_pass_at_once_and_the_next_waits(
    clock: Clock,
) -> None:
    pace = Pace(10, 3, 2000, clock)
    for _ in range(3):
        await pace.turn()
    assert clock.now_s == 1000.0
    await pace.turn()
    assert clock.now_s == pytest.approx(1000.1)


async def test_given_many_calls_when_they_wait_then_they_go_at_the_rate(clock: Clock) -> None:
    pace = Pace(10, 1, 2000, clock)
    for _ in range(21):
        await pace.turn()
    assert clock.now_s == pytest.approx(1002.0)


async def test_given_no_time_to_wait_when_the_pace_is_full_then_the_caller_is_told_when(
    clock: Clock,
) -> None:
    pace = Pace(0.5, 1, 0, clock)
    await pace.turn()
    with pytest.raises(TooManyCalls) as refused:
        await pace.turn()
    assert refused.value.retry_after_s == 2
    clock.now_s += 2
    await pace.turn()


async def test_given_a_refused_caller_when_the_next_comes_then_no_turn_was_lost(
    clock: Clock,
) -> None:
    pace = Pace(1, 1, 0, clock)
    await pace.turn()
    for _ in range(5):
        with pytest.raises(TooManyCalls):
            await pace.turn()
    clock.now_s += 1
    await pace.turn()


async def test_given_a_long_pause_when_calls_come_then_only_the_burst_is_free(
    clock: Clock,
) -> None:
    pace = Pace(10, 2, 0, clock)
    clock.now_s += 3600
    await pace.turn()
    await pace.turn()
    with pytest.raises(TooManyCalls):
        await pace.turn()
