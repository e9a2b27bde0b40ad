"""Caller ids as apps write them: `John Doe <+3334444>`."""

from __future__ import annotations

import re
import unicodedata

from bridge.calls.pbx import CallerId
from bridge.directory.errors import CallerIdInvalid, shown

MAX_NAME_CHARS = 80
MAX_NAME_BYTES = 200  # in UTF-8: a PBX has room for 255 bytes, number and signs included
MAX_CALLER_NUMBER_CHARS = 32
MAX_CALLER_ID_CHARS = MAX_NAME_CHARS + MAX_CALLER_NUMBER_CHARS + 8  # brackets and some spaces

_NUMBER = re.compile(r"\+?\**[0-9][0-9*]*\Z")
_ASCII_NAME = re.compile(r"[A-Za-z0-9 .\-_'&]*\Z")
_NAME_SIGNS = frozenset(" .-_'&")
_FORM = "must have the form John Doe <+3334444>"


def parse_caller_id(text: str) -> CallerId:
    """Also takes a number alone, with or without `<>`. Raises CallerIdInvalid, and nothing else.

    Names are kept as written: letters and marks of every script, digits, space and . - _ ' &. All
    the rest is refused, because quotes, commas, brackets and `$` mean something to a PBX.
    """
    if len(text) > MAX_CALLER_ID_CHARS:
        raise CallerIdInvalid(
            f"caller id {shown(text)}: it has at most {MAX_CALLER_ID_CHARS} characters"
        )
    written = text.strip(" ")
    if not written:
        raise CallerIdInvalid(f"caller id must not be empty; it {_FORM}")
    if "<" not in written:
        if not _is_number(written):
            raise CallerIdInvalid(f"caller id {shown(text)}: it {_FORM}, or be a number")
        return CallerId("", written)
    name, _, rest = written.partition("<")
    name = name.strip(" ")
    number = rest.removesuffix(">")
    if rest == number or "<" in number or ">" in number:
        raise CallerIdInvalid(f"caller id {shown(text)}: it {_FORM}, with one '<' and '>'")
    if not _is_number(number):
        raise CallerIdInvalid(
            f"caller id {shown(text)}: the number between '<' and '>' must be at most "
            f"{MAX_CALLER_NUMBER_CHARS} digits and '*', with an optional '+' in front"
        )
    _check_name(name)
    return CallerId(name, number)


def _is_number(text: str) -> bool:
    return len(text) <= MAX_CALLER_NUMBER_CHARS and _NUMBER.match(text) is not None


def _check_name(name: str) -> None:
    if len(name) > MAX_NAME_CHARS:
        raise CallerIdInvalid(f"caller id: the name has at most {MAX_NAME_CHARS} characters")
    if _ASCII_NAME.match(name):
        return
    for char in name:
        if not _may_be_in_name(char):
            raise CallerIdInvalid(
                f"caller id: the name must not contain {shown(char)}; it consists of letters, "
                "digits, spaces and . - _ ' &"
            )
    if len(name.encode()) > MAX_NAME_BYTES:
        raise CallerIdInvalid(f"caller id: the name has at most {MAX_NAME_BYTES} bytes in UTF-8")


def _may_be_in_name(char: str) -> bool:
    category = unicodedata.category(char)
    return char in _NAME_SIGNS or category[0] in "LM" or category == "Nd"
