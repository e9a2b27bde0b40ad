"""A reason is never empty."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import DBAPIError

from bridge.faults import reason


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TimeoutError(), "no answer in time"),
        (ConnectionResetError(), "ConnectionResetError"),
        (OSError(" \n"), "OSError"),
        (ValueError("a\n  b"), "a b"),
    ],
)
def test_reason(error: Exception, said: str) -> None:
    assert reason(error) == said


_ENDED = "terminating connection due to administrator command"


def test_given_an_error_of_the_database_then_only_its_own_words_are_the_reason() -> None:
    driver = RuntimeError(f"<class 'asyncpg.exceptions.AdminShutdownError'>: {_ENDED}")
    error = DBAPIError.instance("SELECT secret", {}, driver, RuntimeError)
    assert reason(error) == _ENDED
