"""What a delivery worker does next, whatever it sees."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.phone_call_events.delivery import Delivery
from bridge.phone_call_events.worker_state import Situation, WorkerState, due_ms, next_state

NOW_MS = 1_000_000
DUE = Delivery(
    *("d1", "s1", 1, "c1"),
    occurred_ms=1,
    give_up_ms=NOW_MS + 1,
    parameters="",
    next_attempt_ms=NOW_MS,
)
LATER = replace(DUE, next_attempt_ms=NOW_MS + 1)
TOO_OLD = replace(DUE, give_up_ms=NOW_MS)
# Its next attempt would be after the moment at which it is given up.
NEVER_AGAIN = replace(DUE, next_attempt_ms=NOW_MS + 5000)

NOTHING = Situation(now_ms=NOW_MS, oldest=None, on_disk=False)


def seeing(oldest: Delivery | None = None, **more: bool) -> Situation:
    return replace(NOTHING, oldest=oldest, **more)


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        (seeing(), WorkerState.IDLE),
        (seeing(on_disk=True), WorkerState.READING),
        (seeing(DUE), WorkerState.SENDING),
        (seeing(DUE, on_disk=True), WorkerState.SENDING),
        (seeing(LATER), WorkerState.WAITING_FOR_RETRY),
        (seeing(LATER, hurried=True), WorkerState.SENDING),
        (seeing(NEVER_AGAIN), WorkerState.WAITING_FOR_RETRY),
        (seeing(TOO_OLD), WorkerState.GIVING_UP),
        (seeing(TOO_OLD, hurried=True), WorkerState.GIVING_UP),
        (seeing(LATER, surplus=True), WorkerState.GIVING_UP),
        (seeing(DUE, in_force=False), WorkerState.NOT_IN_FORCE),
        # What is suspended is not given up: it waits on disk.
        (seeing(TOO_OLD, in_force=False), WorkerState.NOT_IN_FORCE),
        (seeing(DUE, in_force=False, surplus=True), WorkerState.NOT_IN_FORCE),
        # What an app wants once more overtakes all others.
        (seeing(LATER, once_more=True), WorkerState.SENDING_ONCE_MORE),
        (seeing(on_disk=True, once_more=True), WorkerState.SENDING_ONCE_MORE),
        (seeing(DUE, once_more=True, stopping=True), WorkerState.STOPPED),
    ],
)
def test_given_what_it_sees_when_deciding_then_this_follows(
    seen: Situation, state: WorkerState
) -> None:
    assert next_state(seen) is state


def test_given_a_retry_after_its_end_when_asked_then_the_end_is_what_comes_next() -> None:
    assert due_ms(NEVER_AGAIN) == NEVER_AGAIN.give_up_ms
    assert due_ms(DUE) == DUE.next_attempt_ms


@given(
    st.builds(
        Situation,
        now_ms=st.just(NOW_MS),
        oldest=st.sampled_from([None, DUE, LATER, TOO_OLD, NEVER_AGAIN]),
        on_disk=st.booleans(),
        once_more=st.booleans(),
        in_force=st.booleans(),
        surplus=st.booleans(),
        hurried=st.booleans(),
        stopping=st.booleans(),
    )
)
def test_given_anything_when_deciding_then_what_it_does_is_possible(seen: Situation) -> None:
    state = next_state(seen)
    if seen.stopping:
        assert state is WorkerState.STOPPED
    if state is WorkerState.SENDING:
        assert seen.oldest in (DUE, LATER, NEVER_AGAIN)
        assert seen.in_force
    if state is WorkerState.IDLE:
        assert seen.oldest is None
        assert not seen.on_disk
        assert not seen.once_more
    assert state not in (WorkerState.WAITING_FOR_DATABASE, WorkerState.DISABLING)
