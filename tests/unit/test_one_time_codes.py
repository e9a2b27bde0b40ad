"""A code counts once, and not for long."""

from __future__ import annotations

from bridge.access.one_time_codes import PER_OWNER, OneTimeCodes


def test_given_a_code_when_used_twice_then_it_counts_once() -> None:
    codes = OneTimeCodes[str](60, lambda: 0.0)
    code = codes.new("app", "value")
    assert (codes.use(code), codes.use(code), codes.use("x"), codes.use("\ud800")) == (
        "value",
        None,
        None,
        None,
    )


def test_given_a_code_when_its_time_is_over_then_it_does_not_count() -> None:
    now_s = [0.0]
    codes = OneTimeCodes[str](60, lambda: now_s[0])
    code, other = codes.new("app", "one"), codes.new("app", "two")
    now_s[0] = 60.0
    assert codes.use(code) is None
    assert codes.use(codes.new("app", "three")) == "three"
    assert codes.use(other) is None


def test_given_many_codes_when_made_then_their_owner_alone_loses_the_oldest() -> None:
    codes = OneTimeCodes[int](60, lambda: 0.0)
    of_another = codes.new("another", -1)
    made = [codes.new("app", number) for number in range(PER_OWNER + 4)]
    assert [codes.use(x) for x in made] == [None] * 4 + list(range(4, PER_OWNER + 4))
    assert codes.use(of_another) == -1
