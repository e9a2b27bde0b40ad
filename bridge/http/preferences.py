"""The header `Prefer` of a request (RFC 7240)."""

from __future__ import annotations

import re
from collections.abc import Iterable

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"  # noqa: S105 - a token of HTTP (RFC 9110 §5.6.2)
_WORD = rf'(?:{_TOKEN}|"(?:[^"\\]|\\.)*+")'
_VALUE = rf"(?:[ \t]*+=[ \t]*+{_WORD})?+"
# Possessive throughout: the time to read a header grows with its length, and no faster.
_PREFERENCE = re.compile(
    rf"[ \t,]*+(?P<name>{_TOKEN})(?:[ \t]*+=[ \t]*+(?P<value>{_WORD}))?+"
    rf"(?:[ \t]*+;[ \t]*+(?:{_TOKEN}{_VALUE})?+)*+[ \t]*+(?:,|\Z)"
)
_ESCAPE = re.compile(r"\\(.)")


def handling_preferred(lines: Iterable[str]) -> str | None:
    """The value of the preference `handling`, in small letters; None where there is none.

    `lines`: the values of all `Prefer` headers. Of a preference that is given twice the first
    counts (RFC 7240 §2). A header that breaks the grammar says nothing.
    """
    text = ", ".join(lines).strip(" \t,")
    handling, position = None, 0
    while position < len(text):
        found = _PREFERENCE.match(text, position)
        if found is None:
            return None
        if handling is None and found["name"].lower() == "handling":
            handling = _ESCAPE.sub(r"\1", (found["value"] or "").strip('"')).lower()
        position = found.end()
    return handling
