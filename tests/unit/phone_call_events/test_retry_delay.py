"""When a delivery is tried again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bridge.phone_call_events.retry_delay import RetrySchedule, retry_after_s

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_given_no_jitter_when_attempts_fail_then_the_delay_doubles_up_to_the_last() -> None:
    schedule = RetrySchedule(1, 60, 3600, chance=lambda: 0.5)
    delays = [schedule.delay_s(attempt) for attempt in range(1, 9)]
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60]
    assert schedule.delay_s(10_000) == 60


def test_given_jitter_when_attempts_fail_then_the_delay_stays_within_a_quarter() -> None:
    assert RetrySchedule(4, 60, 3600, chance=lambda: 0.0).delay_s(1) == 3
    assert RetrySchedule(4, 60, 3600, chance=lambda: 1.0).delay_s(1) == 5


def test_given_wish_of_the_receiver_when_it_is_longer_then_it_counts_up_to_its_limit() -> None:
    schedule = RetrySchedule(10, 60, 100, chance=lambda: 0.5)
    assert [schedule.delay_s(1, wish) for wish in (0, 9, 50, 1e9)] == [10, 10, 50, 100]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("0", 0),
        (" 120 ", 120),
        ("9" * 4000, 999_999_999),
        ("Fri, 02 Jan 2026 03:05:05 GMT", 60),
        ("Fri, 02 Jan 2026 03:03:05 GMT", 0),
        ("Fri, 02 Jan 2026 03:05:05 -0000", 60),
        ("Fri, 99 Jan 2026 03:05:05 GMT", None),
    ],
)
def test_given_retry_after_when_read_then_it_is_seconds_from_now_or_nothing(
    header: str | None, seconds: float | None
) -> None:
    assert retry_after_s(header, NOW) == seconds
