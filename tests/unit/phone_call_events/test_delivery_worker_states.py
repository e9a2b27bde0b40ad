"""The states that a delivery worker goes through, from the first event to the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from bridge.clock import now_ms
from bridge.faults import StorageUnavailable
from bridge.phone_call_events import delivery_worker
from bridge.phone_call_events.delivery import Attempt, Delivery, DeliveryState
from bridge.phone_call_events.delivery_context import DeliveryContext
from bridge.phone_call_events.delivery_worker import DeliveryWorker
from bridge.phone_call_events.give_up_rules import TryLimits
from bridge.phone_call_events.retry_delay import RetrySchedule
from bridge.phone_call_events.worker_state import WorkerState
from bridge.testing.eventually import eventually

pytestmark = pytest.mark.timeout(20)

READING, DATABASE = WorkerState.READING, WorkerState.WAITING_FOR_DATABASE
SENDING, ONCE_MORE = WorkerState.SENDING, WorkerState.SENDING_ONCE_MORE
WAITING, GIVING_UP = WorkerState.WAITING_FOR_RETRY, WorkerState.GIVING_UP
DISABLING = WorkerState.DISABLING
IDLE, STOPPED, NOT_IN_FORCE = WorkerState.IDLE, WorkerState.STOPPED, WorkerState.NOT_IN_FORCE


def event(sequence: int, *, age_left_ms: int = 60_000) -> Delivery:
    return Delivery(
        *(f"d{sequence}", "s1", sequence, "c1"),
        occurred_ms=1,
        give_up_ms=now_ms() + age_left_ms,
        parameters="",
    )


class Watched:
    """A worker between a database and a receiver of the test; `states` are all it was in."""

    def __init__(self, *waiting: Delivery, waiting_max: int = 10, retry_s: float = 0.0) -> None:
        self.waits = list(waiting)
        self.answers: list[int] = []  # then 200
        self.at_send: Callable[[], object] = lambda: None
        self.broken_reads = self.broken_disables = 0
        self.recorded: list[Delivery] = []
        self.in_force = True
        self.states: list[WorkerState] = []
        context: Any = DeliveryContext(
            store=cast("Any", self),
            attempts=cast("Any", self),
            sender=cast("Any", self),
            schedule=RetrySchedule(retry_s, retry_s, 1.0),
            waiting_max=waiting_max,
            limits=TryLimits(100, 100, 1, frozenset({410})),
            find=lambda _: cast("Any", object()) if self.in_force else None,
            gone=self.gone,
            let_go=lambda _: None,
            know=cast("Any", None),
        )
        self.worker = _Recording("s1", context, self.states)

    async def waiting(self, _: str, after: int, count: int) -> list[Delivery]:
        if self.broken_reads:
            self.broken_reads -= 1
            raise StorageUnavailable("the test says so")
        return [x for x in self.waits if x.sequence > after][:count]

    async def count_waiting(self, _: str, after: int) -> int:
        return sum(x.sequence > after for x in self.waits)

    def row(self, delivery: Delivery, attempt: Attempt) -> None:
        """No database keeps attempts here."""

    def record(
        self, delivery: Delivery, _: object = None, written: Callable[[], None] = lambda: None
    ) -> None:
        self.recorded.append(delivery)
        if delivery.state is not DeliveryState.WAITING:
            self.waits = [x for x in self.waits if x.id != delivery.id]
        written()

    async def send(self, find: Callable[[], object], _: Delivery) -> Attempt:
        find()
        self.at_send()
        status = self.answers.pop(0) if self.answers else 200
        error = None if status == 200 else f"status {status}"
        return Attempt(now_ms(), 0, "POST", http_status=status, error=error)

    async def gone(self, _: str) -> None:
        if self.broken_disables:
            self.broken_disables -= 1
            raise StorageUnavailable("the test says so")
        self.in_force = False
        self.worker.drop()

    def ends(self) -> list[tuple[str, DeliveryState]]:
        """Of each event that has ended."""
        return [(x.id, x.state) for x in self.recorded if x.state is not DeliveryState.WAITING]


class _Recording(DeliveryWorker):
    """Notes each state that it enters."""

    def __init__(self, name: str, context: DeliveryContext, states: list[WorkerState]) -> None:
        self._states = states
        super().__init__(name, context)
        states.clear()

    def __setattr__(self, name: str, value: object) -> None:
        if name == "state":
            self._states.append(cast("WorkerState", value))
        super().__setattr__(name, value)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery_worker, "DATABASE_RETRY_S", 0.0)


async def test_given_two_events_when_taken_then_it_is_idle() -> None:
    watched = Watched(event(1), event(2))
    await watched.worker.run()
    assert watched.states == [READING, SENDING, SENDING, IDLE]
    assert watched.ends() == [("d1", DeliveryState.DELIVERED), ("d2", DeliveryState.DELIVERED)]


async def test_given_a_refused_event_when_its_time_comes_then_it_is_sent_again_in_its_place() -> (
    None
):
    watched = Watched(event(1), event(2), retry_s=0.05)
    watched.answers = [503]
    await watched.worker.run()
    assert watched.states == [READING, SENDING, WAITING, SENDING, SENDING, IDLE]
    assert [x.id for x in watched.recorded] == ["d1", "d1", "d2"]


async def test_given_a_retry_far_away_when_hurried_then_it_is_sent_at_once_and_once() -> None:
    watched = Watched(event(1), retry_s=3600.0)
    watched.answers = [503, 503]
    running = asyncio.create_task(watched.worker.run())
    await eventually(lambda: watched.worker.state is WAITING)
    watched.worker.hurry()
    await eventually(lambda: watched.states[3:] == [SENDING, WAITING])
    watched.worker.stop()
    await running


async def test_given_a_retry_far_away_when_stopped_then_it_ends_and_the_event_waits() -> None:
    watched = Watched(event(1), retry_s=3600.0)
    watched.answers = [503]
    running = asyncio.create_task(watched.worker.run())
    await eventually(lambda: watched.worker.state is WAITING)
    watched.worker.stop()
    await running
    assert watched.states == [READING, SENDING, WAITING, STOPPED]
    assert watched.ends() == []


async def test_given_a_database_that_does_not_answer_when_reading_then_it_is_asked_again() -> None:
    watched = Watched(event(1))
    watched.broken_reads = 2
    await watched.worker.run()
    assert watched.states == [READING, DATABASE, READING, DATABASE, READING, SENDING, IDLE]


async def test_given_events_that_are_too_old_or_too_many_when_read_then_they_are_given_up() -> None:
    watched = Watched(event(1), event(2, age_left_ms=-1), event(3), waiting_max=2)
    watched.worker.one_more()
    await watched.worker.run()
    # Less than a full list was read, so they are counted by it, and one is too many.
    assert watched.states == [READING, GIVING_UP, GIVING_UP, SENDING, IDLE]
    assert [x.error for x in watched.recorded] == [
        "the queue of this subscription was full",
        "not delivered in time",
        None,
    ]


async def test_given_a_suspension_when_sending_then_the_event_waits_until_it_is_over() -> None:
    watched = Watched(event(1), event(2))
    watched.at_send = lambda: setattr(watched, "in_force", False)
    await watched.worker.run()
    assert watched.states == [READING, SENDING, NOT_IN_FORCE]
    assert not watched.worker.idle
    watched.in_force, watched.at_send = True, lambda: None
    await watched.worker.run()
    assert watched.states[3:] == [READING, SENDING, IDLE]
    assert watched.ends() == [("d1", DeliveryState.DELIVERED), ("d2", DeliveryState.DELIVERED)]


async def test_given_410_when_the_database_fails_then_nothing_is_sent_before_it_is_stored() -> None:
    watched = Watched(event(1), event(2))
    watched.answers, watched.broken_disables = [410], 1
    await watched.worker.run()
    assert watched.states == [READING, SENDING, DISABLING, DISABLING, IDLE]
    assert watched.ends() == [("d1", DeliveryState.FAILED)]


async def test_given_a_retry_far_away_when_one_is_wanted_once_more_then_that_overtakes() -> None:
    watched = Watched(event(2), retry_s=3600.0)
    watched.answers = [503, 503]
    running = asyncio.create_task(watched.worker.run())
    await eventually(lambda: watched.worker.state is WAITING)
    watched.worker.hold("d1")
    watched.worker.send_once_more(replace(event(1), id="d1"))
    await eventually(lambda: watched.states[3:] == [ONCE_MORE, WAITING])
    # A single time: it is given up, whatever the receiver said.
    assert watched.ends() == [("d1", DeliveryState.FAILED)]
    watched.worker.hurry()
    await running
    assert watched.states[5:] == [SENDING, IDLE]


async def test_given_an_attempt_under_way_when_dropped_then_it_is_its_last() -> None:
    watched = Watched(event(1), event(2))
    watched.answers, watched.at_send = [503], watched.worker.drop
    await watched.worker.run()
    assert watched.states == [READING, SENDING, IDLE]
    assert watched.ends() == [("d1", DeliveryState.FAILED)]
