"""Moments are GMT, wherever the machine is."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from multidict import MultiDict

from bridge.http.verba.parameters import Parameters, date_text


@pytest.fixture(autouse=True)
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "JST-9")
        time.tzset()
        yield
    time.tzset()


def test_a_moment_is_written_in_gmt() -> None:
    assert time.timezone == -9 * 3600
    assert date_text(0) == "1970-01-01 00:00:00.000"
    assert date_text(1_795_301_346_007) == "2026-11-21 22:49:06.007"


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [("1970-01-01 00:00", 0), ("1970-01-01T00:00:01", 1000), ("1970-01-01 00:00:00.5", 500)],
)
def test_a_moment_is_read_in_gmt(text: str, at_ms: int) -> None:
    assert Parameters.from_pairs(MultiDict({"start": text})).moment("start") == at_ms
