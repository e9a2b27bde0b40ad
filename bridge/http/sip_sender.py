"""Finds the sender of a SIP message, if it is beyond doubt."""

from __future__ import annotations

import re

_FROM = re.compile(r"^(?:From|f)[ \t]*:(.*)$", re.IGNORECASE | re.MULTILINE)
_FROM_MAX_CHARS = 512
_USER = re.compile(
    r'(?:(?:"[^"\\<>]*"[ \t]*|[\w .-]*)<sips?:([\w.*+-]+)@[^<>"@]*>'
    r'|sips?:([\w.*+-]+)@[^<>"@;]*)'
    r'(?:;[^<>"]*)?',
    re.ASCII,
)
_REQUEST_LINE = re.compile(r"\sSIP/2\.0[ \t]*$", re.IGNORECASE | re.MULTILINE)


def sender_of(frame: str) -> str | None:
    """The user in From, by which the PBX knows whose password a request must have.

    None where the frame could be read in two ways: several From (a frame may hold several
    messages), a folded line, escapes.
    """
    text = _with_plain_lines(frame)
    found = _FROM.findall(text)
    if len(found) != 1 or "\n " in text or "\n\t" in text:
        return None
    value = found[0].strip(" \t")
    named = _USER.fullmatch(value) if len(value) <= _FROM_MAX_CHARS else None
    return (named[1] or named[2]) if named else None


def has_request(frame: str) -> bool:
    """Whether the text holds a SIP request; blank lines and answers to the PBX do not count."""
    text = _with_plain_lines(frame).strip("\n")
    if not text:
        return False
    return not text.startswith("SIP/2.0 ") or _REQUEST_LINE.search(text) is not None


def _with_plain_lines(frame: str) -> str:
    return frame.replace("\r\n", "\n").replace("\r", "\n")
