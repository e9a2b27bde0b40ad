"""The clock that all instances share."""

from __future__ import annotations

import pytest

from bridge.cluster.shared_clock import SharedClock
from bridge.faults import StorageUnavailable


async def test_it_goes_on_from_the_clock_of_the_database() -> None:
    own_s = 100.0

    async def read() -> int:
        nonlocal own_s
        own_s += 0.02  # the question takes 20 ms
        return 1_000_000

    clock = SharedClock(read, lambda: own_s)
    await clock.set()
    assert clock.now_ms() == 1_000_010  # the moment was that of the middle of the question
    own_s += 5
    assert clock.now_ms() == 1_005_010


async def test_it_runs_on_while_the_database_is_down() -> None:
    own_s, moments = 0.0, iter([500_000])

    async def read() -> int:
        try:
            return next(moments)
        except StopIteration:
            raise StorageUnavailable("down") from None

    clock = SharedClock(read, lambda: own_s)
    await clock.set()
    own_s = 60.0
    with pytest.raises(StorageUnavailable):
        await clock.set()
    await clock.set_again()  # each 5 s: an error with a traceback each time would fill the log
    assert clock.now_ms() == 560_000


async def test_an_answer_that_took_long_says_too_little() -> None:
    """Of a question of 6 s the middle may be wrong by 3 s, and forwards live for 2 s."""
    own_s, takes_s = 0.0, 0.01

    async def read() -> int:
        nonlocal own_s
        own_s += takes_s
        return 1_000_000 + int(own_s * 1000)

    clock = SharedClock(read, lambda: own_s)
    await clock.set()
    before_ms = clock.now_ms()
    takes_s = 6.0
    await clock.set()
    assert clock.now_ms() - before_ms == pytest.approx(6_000, abs=10)


async def test_at_the_start_a_slow_answer_is_better_than_none_and_a_quick_one_better() -> None:
    own_s, takes_s = 0.0, iter([2.0, 3.0, 0.02])

    async def read() -> int:
        nonlocal own_s
        own_s += next(takes_s)
        return 1_000_000 + int(own_s * 1000)

    clock = SharedClock(read, lambda: own_s)
    await clock.set()
    assert clock.now_ms() == pytest.approx(1_000_000 + own_s * 1000, abs=1_000)
    await clock.set()  # worse than the first
    assert clock.now_ms() == pytest.approx(1_000_000 + own_s * 1000, abs=1_000)
    await clock.set()
    assert clock.now_ms() == pytest.approx(1_000_000 + own_s * 1000, abs=10)


async def test_a_jump_of_the_database_is_followed_though_it_has_become_slow() -> None:
    own_s, jumped_ms = 0.0, 0

    async def read() -> int:
        nonlocal own_s
        own_s += 1.0 if jumped_ms else 0.01
        return 1_000_000 + int(own_s * 1000) + jumped_ms

    clock = SharedClock(read, lambda: own_s)
    await clock.set()
    jumped_ms = 3_600_000
    await clock.set()
    assert clock.now_ms() == pytest.approx(4_600_000 + own_s * 1000, abs=500)
