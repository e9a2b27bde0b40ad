"""Says what keeping a call costs; a machine that is busy otherwise makes no test fail."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.calls.store.call_store import CallStore
from bridge.calls.store.ended_calls import EndedCalls

from .phone_calls import ended, finish, live_call

_CALLS = 1000
_AT_ONCE = 50


async def test_calls_accepted_answered_and_finished(
    store: CallStore, engine: AsyncEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    to_do = iter([live_call() for _ in range(_CALLS)])
    waits_s: list[float] = []

    async def client() -> None:
        for call in to_do:
            began = time.perf_counter()
            await store.accept(call)
            waits_s.append(time.perf_counter() - began)
            store.track(replace(call, answered_ms=5000))
            assert await finish(store, ended(call))

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(client() for _ in range(_AT_ONCE)))
    took_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    waits_s.sort()
    p50_ms, p99_ms = (waits_s[_CALLS * percent // 100] * 1000 for percent in (50, 99))
    with capsys.disabled():
        sys.stdout.write(
            f"\n{engine.dialect.name}: {_CALLS / took_s:.0f} calls/s, {_AT_ONCE} at a time, "
            f"{cpu_s / _CALLS * 1e6:.0f} us CPU per call (accept, track, finish), accept "
            f"p50 {p50_ms:.1f} ms p99 {p99_ms:.1f} ms\n"
        )
    _, total = await store.ended(EndedCalls(["0003*210"], 0), lambda x: x)
    assert total == _CALLS
