"""Which number names whom, for whom."""

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.directory.errors import NumberInvalid
from bridge.directory.number_rules import NumberRuleError, NumberRules
from bridge.directory.number_spelling import bare_number
from bridge.directory.numbers import find_extension, resolve_party
from bridge.directory.party import Party
from bridge.directory.requester import Requester

from .example_directory import ADMINISTRATOR, EVERYONE, EXAMPLE, ORGANIZATION_3, USER_12, USER_13

DIAL_STRING = re.compile(r"[A-Za-z0-9_.*+#@/;-]+")
NUMBER = re.compile(r"[0-9]+\*[0-9]+|\+?[0-9]+")


def with_rules(requester: Requester, rules: NumberRules) -> Requester:
    directory = dataclasses.replace(EXAMPLE, number_rules=rules)
    return dataclasses.replace(requester, directory=directory)


@pytest.mark.parametrize("requester", [USER_12, USER_13, ORGANIZATION_3])
@pytest.mark.parametrize("text", ["210", "0003*210"])
def test_extension_of_the_own_organization(requester: Requester, text: str) -> None:
    party = resolve_party(requester, text)
    assert party.spelled == text
    assert party.number == "0003*210"
    assert party.extension is EXAMPLE.extensions["0003*210"]
    assert party.dial == party.endpoint == "PJSIP/0003*210"
    assert not party.is_public
    assert not party.is_service


def test_extension_without_a_phone() -> None:
    party = resolve_party(USER_12, "300")
    assert party.dial == "Local/0003*300@services/n"
    assert party.endpoint == ""
    assert party.extension is EXAMPLE.extensions["0003*300"]


@pytest.mark.parametrize("text", ["00", "0003*00"])
def test_sandbox_number(text: str) -> None:
    party = resolve_party(USER_12, text)
    assert (party.number, party.dial) == ("0003*00", "Local/0003*00@services/n")
    assert party.is_service
    assert party.extension is None
    assert not party.endpoint


@pytest.mark.parametrize("requester", EVERYONE)
@pytest.mark.parametrize("text", ["5354353", "3235742879", "+3334444", "5550003210"])
def test_public_number(requester: Requester, text: str) -> None:
    party = resolve_party(requester, text)
    assert party.is_public
    assert party.number == text
    assert party.dial == f"PJSIP/{text}@trunk"
    assert party.extension is None
    assert not party.endpoint


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("(323) 574-2879", "3235742879"),
        ("323.574.2879", "3235742879"),
        ("+1 323 574\u20112879", "+13235742879"),
        ("+1\u00a0323\u2009574 2879", "+13235742879"),
        ("tel:+1-323-574-2879", "+13235742879"),
        ("TEL:323-574-2879;phone-context=example.com;ext=4", "3235742879"),
        ("+44 (0)20 7946 0000", "+442079460000"),
        ("0044 (0) 20 7946 0000", "00442079460000"),
        ("(020) 7946 0000", "02079460000"),
        ("\u202d+1 323 574 2879\u202c", "+13235742879"),
    ],
)
def test_public_number_as_people_write_it(text: str, number: str) -> None:
    party = resolve_party(USER_12, text)
    assert (party.number, party.spelled, party.is_public) == (number, number, True)


@pytest.mark.parametrize("text", [" 210", "2-10", "tel:210;phone-context=pbx", "0003 * 210"])
def test_extension_as_people_write_it(text: str) -> None:
    assert resolve_party(USER_12, text).number == "0003*210"
    extension = find_extension(USER_12, text)
    assert extension is not None
    assert extension.number == "0003*210"


def test_administrator_names_every_organization_in_extended_form_only() -> None:
    for number in ("0003*210", "0004*210"):
        assert resolve_party(ADMINISTRATOR, number).number == number
    assert resolve_party(ADMINISTRATOR, "0004*00").is_service
    with pytest.raises(NumberInvalid, match="extended form"):
        resolve_party(ADMINISTRATOR, "210")


@pytest.mark.parametrize("requester", [USER_12, ORGANIZATION_3])
def test_out_of_reach_looks_like_not_there(requester: Requester) -> None:
    reasons = set()
    for text in ("0004*210", "0004*999", "0009*210", "0003*999", "0004*00", "0009*00"):
        assert find_extension(requester, text) is None
        with pytest.raises(NumberInvalid) as refused:
            resolve_party(requester, text)
        reasons.add(refused.value.reason.replace(text, ""))
    assert len(reasons) == 1


def test_existing_short_extension_wins_over_a_public_number() -> None:
    extension = dataclasses.replace(EXAMPLE.extensions["0003*210"], number="0003*5354353")
    extensions = {**EXAMPLE.extensions, extension.number: extension}
    directory = dataclasses.replace(EXAMPLE, extensions=extensions)
    mine = dataclasses.replace(USER_12, directory=directory)
    assert resolve_party(mine, "5354353").extension is extension
    admin = dataclasses.replace(ADMINISTRATOR, directory=directory)
    assert resolve_party(admin, "5354353").is_public


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "must not be empty"),
        ("1" * 33, "at most 32 characters"),
        ("535/4353", "digits 0-9"),
        ("tel:", "must not be empty"),
        (" - ", "must not be empty"),
        ("210 x" * 50, "at most 32 characters"),
        ("5354353\n", "digits 0-9"),
        ("٥٣٥٤٣٥٣", "digits 0-9"),
        ("210,211", "digits 0-9"),
        ("0003*", "extended number"),
        ("*210", "extended number"),
        ("0003**210", "extended number"),
        ("0003*210*1", "extended number"),
        ("+0003*210", "extended number"),
        ("535+4353", "'\\+' in front"),
        ("++5354353", "'\\+' in front"),
        ("+", "'\\+' in front"),
        ("999", "no such extension, and a public number has 7 to 15 digits"),
        ("1" * 16, "7 to 15 digits"),
        ("19005551234", "blocked"),
    ],
)
def test_reason_names_value_and_rule(text: str, rule: str) -> None:
    with pytest.raises(NumberInvalid, match=rule):
        resolve_party(USER_12, text)


def test_without_a_route_there_are_no_public_numbers() -> None:
    directory = dataclasses.replace(EXAMPLE, outbound_route=None)
    with pytest.raises(NumberInvalid, match="outbound route"):
        resolve_party(dataclasses.replace(USER_12, directory=directory), "5354353")


def test_strip_prefix_is_taken_off_before_the_rules() -> None:
    mine = with_rules(USER_12, NumberRules(strip_prefix="9", blocked_prefixes=("1900",)))
    party = resolve_party(mine, "95354353")
    assert (party.spelled, party.number) == ("95354353", "5354353")
    assert party.dial == "PJSIP/5354353@trunk"
    with pytest.raises(NumberInvalid, match="blocked"):
        resolve_party(mine, "919001234567")


@pytest.mark.parametrize(
    ("number", "valid"),
    [("13235742879", True), ("+13235742879", False), ("443235742879", False), ("13005551", False)],
)
def test_allowed_and_blocked_prefixes(number: str, valid: bool) -> None:
    rules = NumberRules(allow_plus=False, allowed_prefixes=("1",), blocked_prefixes=("1300",))
    if valid:
        assert rules.normalise(number) == number
    else:
        with pytest.raises(NumberRuleError):
            rules.normalise(number)


ANY_TEXT = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="0123456789+*", max_size=34),
    st.from_regex(r"000[345]\*(00|[2-5][0-9]{2})", fullmatch=True),
    st.text(alphabet="0123456789+*@/&,;\r\n\0$ ", max_size=34),
)
RULES = st.builds(
    NumberRules,
    min_digits=st.integers(1, 5),
    max_digits=st.integers(5, 31),
    allow_plus=st.booleans(),
    strip_prefix=st.sampled_from(["", "9", "+", "00"]),
    allowed_prefixes=st.sampled_from([(), ("1",), ("+", "0")]),
    blocked_prefixes=st.sampled_from([(), ("12", "+1")]),
)


def outcome(requester: Requester, text: str) -> Party | NumberInvalid:
    try:
        return resolve_party(requester, text)
    except NumberInvalid as refused:
        return refused


@given(requester=st.sampled_from(EVERYONE), text=ANY_TEXT, rules=RULES)
def test_any_text_is_a_safe_party_or_invalid(
    requester: Requester, text: str, rules: NumberRules
) -> None:
    requester = with_rules(requester, rules)
    party = outcome(requester, text)
    if isinstance(party, NumberInvalid):
        assert party.reason.isprintable()
        return
    assert party.spelled == bare_number(text)
    assert NUMBER.fullmatch(party.number)
    assert DIAL_STRING.fullmatch(party.dial)
    assert [party.is_public, party.is_service, party.extension is not None].count(True) == 1
    if not party.is_public:
        assert requester.can_call_into(party.number.partition("*")[0])
