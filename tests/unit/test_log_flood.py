"""How many lines of the log a stranger can cause."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import structlog

from bridge.config import log_flood
from bridge.config.log_flood import FloodLimit
from bridge.testing.eventually import eventually
from tests.lab.instant_time import instant


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def summaries() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def flood(summaries: list[dict[str, Any]], clock: Clock) -> FloodLimit:
    return FloodLimit(3, lambda event: summaries.append(dict(event)), clock)


def passed(flood: FloodLimit, number: int, **event: object) -> int:
    """How many of so many such lines are written."""
    written = 0
    for _ in range(number):
        try:
            flood(None, "info", {"event": "request_refused", **event})
        except structlog.DropEvent:
            continue
        written += 1
    return written


def test_each_address_has_its_own_lines_and_then_a_sum(
    flood: FloodLimit, summaries: list[dict[str, Any]], clock: Clock
) -> None:
    assert passed(flood, 1000, remote="192.0.2.1") == 3
    assert passed(flood, 10, remote="192.0.2.1", event="not_http") == 0
    assert passed(flood, 2, remote="192.0.2.2") == 2
    clock.now_s += 61
    assert passed(flood, 1, remote="192.0.2.1") == 1
    [summary] = summaries
    assert (summary["remote"], summary["lines"]) == ("192.0.2.1", 1007)
    assert summary["by_event"] == {"request_refused": 997, "not_http": 10}


def test_a_known_app_has_lines_of_its_own_wherever_it_is(flood: FloodLimit) -> None:
    passed(flood, 100, remote="192.0.2.1")
    assert passed(flood, 2, remote="192.0.2.1", app="user-12") == 2
    assert passed(flood, 2, remote="192.0.2.9", app="user-12") == 1


def test_many_addresses_have_no_more_than_a_multiple(flood: FloodLimit) -> None:
    lines = sum(passed(flood, 10, remote=f"192.0.2.{x}") for x in range(200))
    assert lines == 3 * 20


def test_addresses_that_change_leave_one_sum_of_all_and_none_of_each(
    monkeypatch: pytest.MonkeyPatch,
    flood: FloodLimit,
    summaries: list[dict[str, Any]],
    clock: Clock,
) -> None:
    """Else whoever has many addresses writes a line with each request, a minute later."""
    monkeypatch.setattr(log_flood, "SOURCES_KEPT", 100)
    written = sum(passed(flood, 1, remote=f"2001:db8::{x:x}") for x in range(5000))
    clock.now_s += 61
    written += passed(flood, 1, remote="192.0.2.1")
    assert written == 3 * 20 + 1
    [summary] = summaries
    assert "remote" not in summary
    assert (summary["lines"], summary["by_event"]) == (4940, {"request_refused": 4940})


def test_a_flood_of_strangers_hides_no_app(flood: FloodLimit) -> None:
    for number in range(1000):
        passed(flood, 3, remote=f"2001:db8::{number:x}")
    assert passed(flood, 2, remote="192.0.2.1", app="user-12") == 2


def test_other_events_are_never_dropped(flood: FloodLimit) -> None:
    assert passed(flood, 100, event="call_ended", remote="192.0.2.1") == 100


def test_the_sources_that_are_remembered_are_bounded(
    monkeypatch: pytest.MonkeyPatch, flood: FloodLimit
) -> None:
    monkeypatch.setattr(log_flood, "SOURCES_KEPT", 10)
    assert passed(flood, 4, app="first") == 3
    for number in range(9):
        passed(flood, 1, app=f"app {number}")
    assert passed(flood, 1, app="first") == 0
    passed(flood, 1, app="one more")
    assert passed(flood, 4, app="first") == 3, "it is forgotten"


@instant
async def test_the_sum_comes_after_a_minute_though_nothing_more_happens(
    flood: FloodLimit, summaries: list[dict[str, Any]]
) -> None:
    passed(flood, 5, remote="192.0.2.1")
    assert summaries == []
    await eventually(lambda: len(summaries) == 1, 100)
    await asyncio.sleep(600)
    assert [x["lines"] for x in summaries] == [2]


@instant
async def test_the_sum_of_all_comes_after_a_minute_too(
    flood: FloodLimit, summaries: list[dict[str, Any]]
) -> None:
    for number in range(100):
        passed(flood, 1, remote=f"192.0.2.{number}")
    await eventually(lambda: sum(x["lines"] for x in summaries) == 40, 100)
    assert len(summaries) == 1
