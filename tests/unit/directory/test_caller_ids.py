"""Caller ids: what is taken, what is refused and why."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.calls.pbx import CallerId
from bridge.directory.caller_ids import parse_caller_id
from bridge.directory.errors import CallerIdInvalid

FORBIDDEN_IN_NAMES = set('"\\,;${}|<>()[]@:/=!%#~`^?*+\r\n\t\0')


@pytest.mark.parametrize(
    ("text", "name", "number"),
    [
        ("John Doe <+3334444>", "John Doe", "+3334444"),
        ("John Doe<4242425>", "John Doe", "4242425"),
        ("  John  Doe  <0003*210> ", "John  Doe", "0003*210"),
        ("Jürgen Größe-O'Neil & Co. <1>", "Jürgen Größe-O'Neil & Co.", "1"),
        ("Ж田中 <123>", "Ж田中", "123"),
        ("Zoe\u0308 2_1 <123>", "Zoe\u0308 2_1", "123"),
        ("हिन्दी <123>", "हिन्दी", "123"),
        ("<123>", "", "123"),
        (" +3334444 ", "", "+3334444"),
        ("x" * 80 + " <" + "1" * 32 + ">", "x" * 80, "1" * 32),
    ],
)
def test_taken(text: str, name: str, number: str) -> None:
    assert parse_caller_id(text) == CallerId(name, number)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "must not be empty"),
        ("   ", "must not be empty"),
        ("John Doe", r"John Doe <\+3334444>"),
        ("John Doe 123", "must have the form"),
        ("John Doe <123", "one '<' and '>'"),
        ("John <1> <2>", "one '<' and '>'"),
        ("John <123> x", "one '<' and '>'"),
        ("<>", "between '<' and '>'"),
        ("<+>", "between '<' and '>'"),
        ("John <12 3>", "between '<' and '>'"),
        ("John <1+2>", "between '<' and '>'"),
        ("John <" + "1" * 33 + ">", "at most 32 digits"),
        ("John <١٢٣>", "between '<' and '>'"),
        ("John, Doe <123>", "must not contain ','"),
        ('"John" <123>', "must not contain '\"'"),
        ("John\\ <123>", "must not contain"),
        ("John\r\nVariable: x <123>", r"must not contain '\\r'"),
        ("John> <123>", "must not contain '>'"),
        ("${EXTEN} <123>", "must not contain '\\$'"),
        ("Zero\u200dwidth <1>", "must not contain"),
        ("\ud800 <1>", "must not contain"),
        ("x" * 81 + " <1>", "at most 80 characters"),
        ("x" * 500, "at most 120 characters"),
    ],
)
def test_refused_with_the_rule(text: str, rule: str) -> None:
    with pytest.raises(CallerIdInvalid, match=f"^caller id.*{rule}"):
        parse_caller_id(text)


def outcome(text: str) -> CallerId | CallerIdInvalid:
    try:
        return parse_caller_id(text)
    except CallerIdInvalid as refused:
        return refused


@given(
    st.one_of(
        st.text(max_size=130),
        st.builds("{} <{}>".format, st.text(max_size=90), st.from_regex(r"\+?[0-9*]{0,34}")),
    )
)
def test_any_text_is_a_safe_caller_id_or_invalid(text: str) -> None:
    caller_id = outcome(text)
    if isinstance(caller_id, CallerIdInvalid):
        assert caller_id.reason.isprintable()
        return
    assert re.fullmatch(r"\+?[0-9*]{1,32}", caller_id.number)
    assert len(caller_id.name) <= 80
    assert not FORBIDDEN_IN_NAMES & set(caller_id.name)
    assert caller_id.name.isprintable()
    caller_id.name.encode("utf-8")
    assert parse_caller_id(f"{caller_id.name} <{caller_id.number}>") == caller_id
