"""One number in every spelling: what is blocked and allowed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.directory.number_rules import NumberRuleError, NumberRules
from bridge.pbx.ari.dialplan_values import numbers_value


def passes(rules: NumberRules, number: str) -> bool:
    try:
        rules.normalise(number)
    except NumberRuleError:
        return False
    return True


def verdicts(rules: NumberRules, *numbers: str) -> list[bool]:
    return [passes(rules, x) for x in numbers]


SPELLINGS = ("19005550000", "+19005550000", "0019005550000")


@pytest.mark.parametrize("prefix", ["1900", "+1900", "001900"])
def test_a_blocked_prefix_counts_in_every_spelling(prefix: str) -> None:
    assert verdicts(NumberRules(blocked_prefixes=(prefix,)), *SPELLINGS) == [False] * 3


ODD_SPELLINGS = ("+0019005550000", "000019005550000", "+019005550000", "00019005550000")


@pytest.mark.parametrize("blocked", [(), ("1900",)])
def test_no_country_code_begins_with_0(blocked: tuple[str, ...]) -> None:
    """A carrier that reads such a number generously would dial a blocked one."""
    rules = NumberRules(blocked_prefixes=blocked)
    assert verdicts(rules, *ODD_SPELLINGS) == [False] * 4
    assert passes(rules, "03012345678")


def test_a_blocked_national_prefix_counts_after_the_country_code_too() -> None:
    """As people write it, `+49 (0) 900 …`, without the brackets."""
    rules = NumberRules(country_code="49", national_prefix="0", blocked_prefixes=("0900",))
    assert verdicts(rules, "+490900123456", "00490900123456") == [False] * 2
    rules = NumberRules(country_code="49", national_prefix="0", blocked_prefixes=("+49900",))
    assert verdicts(rules, "+490900123456", "00490900123456") == [False] * 2


def test_an_allowed_prefix_counts_as_written_where_no_country_is_known() -> None:
    bare = NumberRules(allowed_prefixes=("1",))
    assert verdicts(bare, *SPELLINGS) == [True, False, False]
    abroad = NumberRules(allowed_prefixes=("+1",))
    assert verdicts(abroad, *SPELLINGS) == [False, True, True]


def test_with_a_country_national_numbers_are_international_ones() -> None:
    rules = NumberRules(
        country_code="49",
        national_prefix="0",
        allowed_prefixes=("+49",),
        blocked_prefixes=("0900",),
    )
    same = ("030123456", "+4930123456", "004930123456")
    assert verdicts(rules, *same) == [True] * 3
    assert verdicts(rules, "0900123456", "+49900123456", "0049900123456") == [False] * 3
    assert verdicts(rules, "+43123456789", "0043123456789") == [False] * 2


def test_a_country_without_a_national_prefix() -> None:
    rules = NumberRules(country_code="1", blocked_prefixes=("+1900",), international_prefix="011")
    assert verdicts(rules, "9005550000", "+19005550000", "01119005550000") == [False] * 3
    assert verdicts(rules, "3235550200", "+13235550200", "01149123456") == [True] * 3


def test_blocking_all_that_is_international() -> None:
    for prefix in ("+", "00", "0"):
        rules = NumberRules(blocked_prefixes=(prefix,))
        assert verdicts(rules, "+4930123456", "004930123456") == [False] * 2, prefix
        assert passes(rules, "3235550200"), prefix


def test_a_blocked_beginning_of_the_national_prefix_blocks_the_country() -> None:
    """Each number there begins with 06 at home, so with the blocked 0, too."""
    rules = NumberRules(
        country_code="36", national_prefix="06", international_prefix="11", blocked_prefixes=("0",)
    )
    assert verdicts(rules, "0613456789", "+3613456789", "+4930123456") == [False, False, True]


def test_national_and_international_spellings_are_one() -> None:
    rules = NumberRules(country_code="49", national_prefix="0")
    spelled = ("030123456", "+4930123456", "004930123456")
    assert {rules.one_spelling(x) for x in spelled} == {"4930123456"}
    assert rules.one_spelling("30123456") == "30123456"  # of no country that is known


def test_digits_are_counted_without_the_international_prefix() -> None:
    rules = NumberRules(min_digits=8, max_digits=9)
    assert verdicts(rules, "12345678", "+12345678", "0012345678") == [True] * 3
    assert verdicts(rules, "1234567", "+1234567", "001234567") == [False] * 3
    assert verdicts(rules, "1234567890", "+1234567890", "001234567890") == [False] * 3


PREFIXES = st.lists(st.from_regex(r"\+?[0-9]{1,5}", fullmatch=True), max_size=4).map(tuple)
RULES = st.builds(
    NumberRules,
    min_digits=st.just(1),
    max_digits=st.just(31),
    allowed_prefixes=PREFIXES,
    blocked_prefixes=PREFIXES,
    international_prefix=st.sampled_from(["00", "011", "0"]),
    country_code=st.sampled_from(["", "1", "49"]),
    national_prefix=st.sampled_from(["", "0", "1"]),
)


@given(rules=RULES, digits=st.from_regex(r"[1-9][0-9]{4,12}", fullmatch=True))
def test_plus_and_international_prefix_are_one_spelling(rules: NumberRules, digits: str) -> None:
    assert passes(rules, f"+{digits}") == passes(rules, rules.international_prefix + digits)


@given(rules=RULES, number=st.from_regex(r"\+?[0-9]{3,12}", fullmatch=True))
def test_what_begins_as_a_blocked_prefix_is_blocked(rules: NumberRules, number: str) -> None:
    if number.startswith(rules.blocked_prefixes):
        assert not passes(rules, number)


@given(rules=RULES)
def test_the_pbx_gets_seven_parts_of_harmless_characters(rules: NumberRules) -> None:
    parts = numbers_value(rules).split("~")
    assert len(parts) == 7
    assert all(parts)
    assert all(re.fullmatch(r"[0-9+|()\[\]^$-]+", x) for x in parts)
    re.compile(parts[5])
    re.compile(parts[6])
