"""The number in a dial string, as who asked for it wrote it."""

from __future__ import annotations

from collections.abc import Iterable

PUBLIC_DIGITS_MIN = 7
"""Shorter numbers are those of extensions, services and codes."""

_NO_NUMBERS = frozenset("sihtTaoe")
"""Extensions of every context, by which the dialplan goes on. A Gosub or Macro runs at `s`, which
CoreShowChannels then gives in place of the dialled number."""


def dialled_number(dial_string: str) -> str:
    """`3235742879` of `3235742879@trunk`, `PJSIP/3235742879@trunk` (a queue's member),
    `trunk/3235742879`, `trunk/sip:3235742879@192.0.2.1`; `0003*210` of `0003*210`.

    A phone among several is dialled by its address, `0003*210/sip:210@192.0.2.1`: it is known by
    the endpoint of its channel.
    """
    for scheme in ("/sip:", "/sips:"):
        _, found, address = dial_string.partition(scheme)
        if found:
            return address.partition("@")[0]
    return dial_string.partition("@")[0].removesuffix("/n").rpartition("/")[2]


def without_prefix(number: str, asked: Iterable[str]) -> str:
    """The first of `asked` that `number` is with a prefix, such as a carrier's; else `number`."""
    for one in asked:
        digits = one.removeprefix("+")
        if len(digits) >= PUBLIC_DIGITS_MIN and digits.isdecimal() and number.endswith(digits):
            return one
    return number


def asked_number(exten: str) -> str:
    """The number at that extension of the dialplan; empty where nobody can have dialled it."""
    return "" if exten in _NO_NUMBERS else exten
