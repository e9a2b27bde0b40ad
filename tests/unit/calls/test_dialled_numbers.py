"""The number in a dial string, as who asked for it wrote it."""

from __future__ import annotations

import pytest

from bridge.calls.state.dialled_numbers import dialled_number, without_prefix


@pytest.mark.parametrize(
    ("dial_string", "number"),
    [
        ("3235742879@trunk", "3235742879"),
        ("0003*211", "0003*211"),
        ("0003*211@phones", "0003*211"),
        ("PJSIP/212", "212"),
        ("PJSIP/3235742879@carrier1", "3235742879"),
        ("Local/211@from-internal/n", "211"),
        ("carrier2/sip:003235742879@192.0.2.7:5060", "003235742879"),
        ("carrier2/sips:+3235742879@192.0.2.7", "+3235742879"),
        ("g1/3235742879", "3235742879"),
        ("", ""),
    ],
)
def test_given_a_dial_string_when_read_then_it_is_its_number(dial_string: str, number: str) -> None:
    assert dialled_number(dial_string) == number


@pytest.mark.parametrize(
    ("number", "asked", "shown"),
    [
        ("003235742879", ["3235742879"], "3235742879"),
        ("93235742879", ["s", "600", "3235742879"], "3235742879"),
        ("+3235742879", ["3235742879"], "3235742879"),
        ("003235742879", ["+3235742879"], "+3235742879"),
        ("3235742879", [], "3235742879"),
        # The end of a public number is not an extension that has the same digits.
        ("3235550200", ["200"], "3235550200"),
        ("3235550200", ["3235742879"], "3235550200"),
        ("3235550200", ["", "dial"], "3235550200"),
    ],
)
def test_given_what_a_carrier_got_when_told_then_it_is_what_was_asked_for(
    number: str, asked: list[str], shown: str
) -> None:
    assert without_prefix(number, asked) == shown
