"""Caller ids: what is taken, what is refused and why."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.directory.caller_ids import CallerId, parse_caller_id
from bridge.directory.errors import CallerIdInvalid

FORBIDDEN_IN_NAMES = {*'"\\<>', *map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0))}
FORBIDDEN_IN_NAMES |= {"\u2028", "\u2029", "\u202e", "\ufffe"}


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
        ('"John Doe" <+3334444>', "John Doe", "+3334444"),
        ('"Doe, \\"J\\"" <1>', "Doe, 'J'", "1"),
        ("Doe, John <+3334444>", "Doe, John", "+3334444"),
        ("Acme (Sales) [UK] <1>", "Acme (Sales) [UK]", "1"),
        ("O\u2019Neil <1>", "O\u2019Neil", "1"),
        ("Café · Bar <1>", "Café · Bar", "1"),
        ("IT/Support #2! <1>", "IT/Support #2!", "1"),
        ("می\u200cبینم <1>", "می\u200cبینم", "1"),
        ("क्\u200dष <1>", "क्\u200dष", "1"),
        ("Jan\u00a0Novák <1>", "Jan Novák", "1"),
        ("Zoë 👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿 <1>", "Zoë 👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "1"),
        ('Jo "x" <12>', "Jo 'x'", "12"),
        ("John\\Doe <123>", "John/Doe", "123"),
        ("John <1> <2>", "John (1)", "2"),
        ("${EXTEN} $[1] A$AP $${x} <123>", "$(EXTEN} $(1] A$AP $$(x}", "123"),
        ("a\u202eb\u2066c\ufeffd\ufffe <1>", "abcd", "1"),
        ("John <12 3>", "John", "123"),
        ("Acme <+333 44-44>", "Acme", "+3334444"),
        ("(323) 574.2879", "", "3235742879"),
        ("tel:+1-201-555-0123;ext=9", "", "+12015550123"),
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
        ("John Doe <123", "end with '>'"),
        ("John <123> x", "end with '>'"),
        ("<>", "between '<' and '>'"),
        ("<+>", "between '<' and '>'"),
        ("John <1+2>", "between '<' and '>'"),
        ("John <" + "1" * 33 + ">", "at most 32 digits"),
        ("John <١٢٣>", "between '<' and '>'"),
        ("John\r\nVariable: x <123>", r"must not contain '\\r'"),
        ("\ud800 <1>", "must not contain"),
        ("Tab\there <1>", "control character"),
        ("Line\u2028end <1>", "control character"),
        ("Jo\x9b <1>", "control character"),
        ("anonymous", "must have the form"),
        ("<sip:210@pbx>", "between '<' and '>'"),
        ("1\n", "must have the form"),
        ("x" * 81 + " <1>", "at most 80 characters"),
        ("田" * 67 + " <1>", "at most 200 bytes in UTF-8"),
        ("x" * 500, "at most 240 characters"),
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
        st.builds(
            "{} <{}>".format,
            st.text(alphabet="\"'\\<>()[]{}$,;& aé\u202e", max_size=90),
            st.just("1"),
        ),
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
    assert "${" not in caller_id.name
    assert "$[" not in caller_id.name
    caller_id.name.encode("utf-8")
    assert parse_caller_id(f"{caller_id.name} <{caller_id.number}>") == caller_id
