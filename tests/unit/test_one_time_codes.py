"""A code counts once, and not for long."""

from __future__ import annotations

from bridge.access.one_time_codes import OneTimeCodes


def test_given_a_code_when_used_twice_then_it_counts_once() -> None:
    codes = OneTimeCodes(60, lambda: 0.0)
    code = codes.new("app")
    assert (codes.use(code), codes.use(code), codes.use("x"), codes.use("\ud800")) == (
        "app",
        None,
        None,
        None,
    )


def test_given_a_code_when_its_time_is_over_then_it_does_not_count() -> None:
    now_s = [0.0]
    codes = OneTimeCodes(60, lambda: now_s[0])
    code = codes.new("app")
    now_s[0] = 60.0
    assert codes.use(code) is None


def test_given_many_codes_when_made_then_the_oldest_are_forgotten() -> None:
    codes = OneTimeCodes(60, lambda: 0.0)
    made = [codes.new(str(number)) for number in range(20)]
    assert [codes.use(x) for x in made].count(None) == 4
