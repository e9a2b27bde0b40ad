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
    assert clock.now_ms() == 560_000
