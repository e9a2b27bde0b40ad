"""Caller ids as apps write them: `John Doe <+3334444>`, `"Doe, John" <+3334444>`."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from bridge.directory.errors import CallerIdInvalid, shown
from bridge.directory.number_spelling import bare_number

MAX_NAME_CHARS = 80
MAX_NAME_BYTES = 200  # in UTF-8: a PBX has room for 255 bytes, number and signs included
MAX_CALLER_NUMBER_CHARS = 32
MAX_CALLER_ID_CHARS = 240  # room for quotes, escapes and separators

_NUMBER = re.compile(r"\+?\**[0-9][0-9*]*\Z")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9 .\-_'&,()/#!+]*\Z")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\Z')
_FORM = "must have the form John Doe <+3334444>"

# Characters that end or escape a quoted name in SIP, or that a dialplan takes for a variable.
_REPLACED = {'"': "'", "\\": "/", "<": "(", ">": ")"}
_EXPRESSION = re.compile(r"\$[{\[]")
# Joiners, marks of direction and the tags of flags are part of names; other format characters (Cf)
# turn the text around or show nothing.
_FORMAT_KEPT = frozenset("\u200c\u200d\u200e\u200f") | {chr(x) for x in range(0xE0020, 0xE0080)}


def parse_caller_id(text: str) -> CallerId:
    """Also takes a number alone, with or without `<>`. Raises CallerIdInvalid, and nothing else.

    Names are kept as written, but for the few signs that SIP and Asterisk cannot carry: those are
    replaced by the nearest that they can. Only control characters are refused.
    """
    if len(text) > MAX_CALLER_ID_CHARS:
        raise CallerIdInvalid(
            f"caller id {shown(text)}: it has at most {MAX_CALLER_ID_CHARS} characters"
        )
    written = text.strip(" ")
    if not written:
        raise CallerIdInvalid(f"caller id must not be empty; it {_FORM}")
    if "<" not in written:
        number = bare_number(written)
        if not _is_number(number):
            raise CallerIdInvalid(f"caller id {shown(text)}: it {_FORM}, or be a number")
        return CallerId("", number)
    name, _, rest = written.rpartition("<")
    if not rest.endswith(">"):
        raise CallerIdInvalid(f"caller id {shown(text)}: it {_FORM}, and end with '>'")
    number = bare_number(rest[:-1])
    if not _is_number(number):
        raise CallerIdInvalid(
            f"caller id {shown(text)}: the number between '<' and '>' must be at most "
            f"{MAX_CALLER_NUMBER_CHARS} digits and '*', with an optional '+' in front"
        )
    return CallerId(_name(name.strip(" ")), number)


def _is_number(text: str) -> bool:
    return len(text) <= MAX_CALLER_NUMBER_CHARS and _NUMBER.match(text) is not None


def _name(written: str) -> str:
    quoted = _QUOTED.match(written)
    if quoted is not None:
        written = re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL)
    name = written if _PLAIN_NAME.match(written) else "".join(map(_carried, written))
    name = _EXPRESSION.sub("$(", name).strip(" ")
    if len(name) > MAX_NAME_CHARS:
        raise CallerIdInvalid(f"caller id: the name has at most {MAX_NAME_CHARS} characters")
    if len(name.encode()) > MAX_NAME_BYTES:
        raise CallerIdInvalid(f"caller id: the name has at most {MAX_NAME_BYTES} bytes in UTF-8")
    return name


def _carried(char: str) -> str:
    """The character as SIP and Asterisk can carry it; "" for one that would show nothing."""
    category = unicodedata.category(char)
    if category in ("Cc", "Cs", "Zl", "Zp"):
        raise CallerIdInvalid(
            f"caller id: the name must not contain {shown(char)}, a control character"
        )
    if category == "Zs":
        return " "
    hidden = category == "Cf" and char not in _FORMAT_KEPT
    return "" if hidden or _is_noncharacter(char) else _REPLACED.get(char, char)


def _is_noncharacter(char: str) -> bool:
    """Noncharacters (Unicode 23.7), which XML does not allow."""
    code = ord(char)
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


@dataclass(frozen=True, slots=True)
class CallerId:
    """A caller id as a phone shows it. `name` may be empty; `number` is digits, `+` and `*`."""

    name: str
    number: str
