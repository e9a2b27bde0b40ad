"""Load: the figures, the plot, which machines may be loaded, and that Ctrl-C ends all calls."""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ET
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.client import ApiError, PhoneCall, StreamEvent, UapiClient
from bridge.testing.eventually import eventually
from bridge.testing.load.plan import LoadPlan, NotAllowed, Scenario, check_address
from bridge.testing.load.plot import load_plot
from bridge.testing.load.results import LoadCall, LoadResults, per_second, percentiles_of
from bridge.testing.load.running import LoadRun

NOW = datetime(2026, 1, 1, tzinfo=UTC).isoformat()


def test_given_values_then_the_percentiles_are_among_them() -> None:
    assert percentiles_of([5.0]) == {"p50": 5, "p90": 5, "p95": 5, "p99": 5, "max": 5}
    hundred = [float(x) for x in range(1, 101)]
    assert percentiles_of(hundred) == {"p50": 50, "p90": 90, "p95": 95, "p99": 99, "max": 100}


def test_given_results_then_causes_are_counted_and_missing_measures_left_out() -> None:
    results = LoadResults(
        [
            LoadCall(0.1, create_ms=2.0, answer_ms=30.0, end_ms=5.0),
            LoadCall(0.2, create_ms=4.0, cause="busy: busy (486)"),
            LoadCall(1.2, cause="429 calls_limit_reached"),
            LoadCall(1.3, cause="busy: busy (486)"),
        ]
    )
    assert results.failed == 3
    assert results.causes() == [("busy: busy (486)", 2), ("429 calls_limit_reached", 1)]
    assert results.as_json(2.0)["callsPerSecond"] == 2
    assert results.percentiles()["create"]["p50"] == 2
    assert per_second(results.calls, 2) == [(1, 1), (0, 2)]
    assert LoadResults().percentiles() == {}
    assert LoadResults().as_json(0)["callsPerSecond"] == 0


@pytest.mark.parametrize("count", [0, 1, 20_000])
def test_given_results_then_the_plot_is_svg_of_bounded_size(count: int) -> None:
    calls = [LoadCall(x / 100, 1.0, float(x % 90), 1.0) for x in range(count)]
    plot = load_plot(LoadResults(calls), count / 100)
    assert ET.fromstring(plot).tag.endswith("svg")  # noqa: S314 - our own
    assert len(plot) < 500_000


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]", "localhost", "127.3.2.1"])
def test_given_this_machine_then_it_may_be_loaded(host: str) -> None:
    check_address(host, ())


@pytest.mark.parametrize("host", ["192.0.2.1", "pbx.example", "127.0.0.1.example", "", "::2"])
def test_given_another_machine_then_an_option_must_name_it(host: str) -> None:
    with pytest.raises(NotAllowed, match="--allow"):
        check_address(host, ("other.example",))
    check_address(host, (host,))


class FakeApi(UapiClient):
    """Answers as a service whose calls are answered at once, and end when they are hung up."""

    def __init__(self, refuses_from: int = 1_000_000) -> None:
        super().__init__("http://127.0.0.1:1", "app", "secret")
        self.events: asyncio.Queue[StreamEvent] = asyncio.Queue()
        self.created: list[str] = []
        self.hung_up: list[str] = []
        self.refuses_from = refuses_from

    async def create_call(self, *_: Any, **__: Any) -> PhoneCall:
        if len(self.created) >= self.refuses_from:
            raise ApiError(429, "calls_limit_reached", "too many")
        call_id = f"c{len(self.created)}"
        self.created.append(call_id)
        self.events.put_nowait(StreamEvent("call", (self.call_of(call_id, answered=NOW),)))
        return self.call_of(call_id)

    async def hang_up(self, extension: str = "@self", call_id: str | None = None) -> list[str]:
        assert call_id is not None
        self.hung_up.append(call_id)
        over = self.call_of(call_id, answered=NOW, ended=NOW, disposition=0, reason="x")
        self.events.put_nowait(StreamEvent("call", (over,)))
        return [call_id]

    async def stream(self, extension: str = "@self") -> AsyncGenerator[StreamEvent, None]:
        yield StreamEvent("state")
        while True:
            yield await self.events.get()

    @staticmethod
    def call_of(call_id: str, **more: object) -> PhoneCall:
        return PhoneCall.of({"id": call_id, **more})


async def _has(api: FakeApi, calls: int) -> bool:
    return len(api.created) >= calls


def plan(**more: Any) -> LoadPlan:
    given = {"calls_per_second": 100, "duration_s": 0.1, "talk_s": 0.0, **more}
    return LoadPlan(scenario=Scenario.ANSWERED, source="210", destination="211", **given)


async def test_given_a_plan_then_each_call_is_answered_ended_and_measured() -> None:
    api, told = FakeApi(), []
    results = await LoadRun(api, plan(), lambda x: told.append(x.failed)).run()
    assert len(results.calls) == len(told) == 10
    assert results.causes() == []
    assert sorted(api.hung_up) == sorted(api.created)
    assert all(x.answer_ms is not None and x.end_ms is not None for x in results.calls)


async def test_given_refusals_then_they_are_failures_by_their_code() -> None:
    results = await LoadRun(FakeApi(refuses_from=4), plan(), lambda _: None).run()
    assert results.causes() == [("429 calls_limit_reached", 6)]


async def test_given_another_outcome_then_it_is_the_cause() -> None:
    results = await LoadRun(FakeApi(), plan(duration_s=0.01), lambda _: None).run()
    assert results.failed == 0
    busy = LoadPlan(100, 0.01, Scenario.BUSY, "210", "211")
    api = FakeApi()
    run = LoadRun(api, busy, lambda _: None)
    running = asyncio.create_task(run.run())
    await eventually(lambda: _has(api, 1))
    await api.hang_up(call_id="c0")
    assert (await running).causes() == [("answered: x", 1)]


async def test_given_an_interruption_then_all_calls_are_hung_up() -> None:
    api = FakeApi()
    running = asyncio.create_task(LoadRun(api, plan(talk_s=60.0), lambda _: None).run())
    await eventually(lambda: _has(api, 5))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert set(api.created) == set(api.hung_up)
