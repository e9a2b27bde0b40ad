"""Numbers as people write them: `(323) 574-2879`, `+44 (0)20 7946 0000`, `tel:+1-201-555-0123`."""

from __future__ import annotations

import re

MAX_WRITTEN_CHARS = 100

# RFC 3966 calls them visual separators; besides: dashes and blanks of every kind, and the invisible
# signs of direction that a number copied from a contact carries.
_SEPARATORS = re.compile(
    r"[\s().\-\u2010-\u2015\u2212\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+"
)
_TEL = re.compile(r"\s*tel:([^;]*)(;.*)?\Z", re.IGNORECASE | re.DOTALL)
# The trunk prefix, which is not dialled after a country code.
_DOMESTIC_ZERO = re.compile(r"(\A\s*(?:\+|00)[^()]*)\(0\)")


def bare_number(text: str) -> str:
    """`text` without what only makes it readable; anything else stays, to be refused by its reader.

    A line end stays too, because it is not a part of any spelling.
    """
    if text.isalnum() or len(text) > MAX_WRITTEN_CHARS or "\n" in text or "\r" in text:
        return text
    tel = _TEL.match(text)
    if tel is not None:
        text = tel[1]
    return _SEPARATORS.sub("", _DOMESTIC_ZERO.sub(r"\1", text, count=1))
