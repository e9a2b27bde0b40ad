"""Tests on a clock that jumps: whatever waits sees the same time."""

from __future__ import annotations

import asyncio
import time

import pytest

from bridge import clock
from tests.lab.instant_time import instant


def test_given_an_hour_when_waited_for_then_it_is_over_at_once_on_every_clock() -> None:
    told: list[str] = []

    @instant
    async def waits() -> None:
        loop = asyncio.get_running_loop()
        began_s, began_ms = loop.time(), clock.now_ms()
        loop.call_later(1800, told.append, "half")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.sleep(7200)
        assert loop.time() - began_s == pytest.approx(3600, abs=0.01)
        assert clock.now_ms() - began_ms == pytest.approx(3_600_000, abs=10)

    began_s = time.monotonic()
    waits()
    assert told == ["half"]
    assert time.monotonic() - began_s < 60


def test_given_what_nobody_does_when_waited_for_then_the_test_fails() -> None:
    @instant
    async def waits() -> None:
        await asyncio.Event().wait()

    with pytest.raises(AssertionError, match="nothing is left that could happen"):
        waits()


def test_given_a_test_that_fails_when_run_then_it_fails() -> None:
    @instant
    async def fails() -> None:
        await asyncio.sleep(1)
        raise KeyError("x")

    with pytest.raises(KeyError):
        fails()
