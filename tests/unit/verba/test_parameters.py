"""Moments are GMT, wherever the machine is."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from multidict import MultiDict

from bridge.http.verba.errors import Code, VerbaError
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


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [("2026-03-29 02:30", 1_774_751_400_000), ("2026-10-25 02:30", 1_792_895_400_000)],
)
def test_a_moment_that_a_summer_time_lacks_or_has_twice_is_one_in_gmt(
    text: str, at_ms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    assert Parameters.from_pairs(MultiDict({"start": text})).moment("start") == at_ms


def test_a_parameter_given_more_often_than_it_is_taken_is_refused() -> None:
    parameters = Parameters.from_pairs(MultiDict([("anynum", str(x)) for x in range(900)]))
    with pytest.raises(VerbaError, match="anynum is given 900 times; at most 20 are taken") as why:
        parameters.every("anynum", 20)
    assert why.value.code == Code.INVALID_PARAMETERS
    assert len(parameters.every("anynum", 900)) == 900
