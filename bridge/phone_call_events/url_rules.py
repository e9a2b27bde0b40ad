"""Which URLs events may be sent to."""

from __future__ import annotations

import re

from yarl import URL

from bridge.phone_call_events.target_address import TargetRules, is_literal, refusal

# RFC 3986: everything else must be percent-encoded
_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+\Z")
_NUMERIC = re.compile(r"(^|\.)(\d+|0[xX][0-9A-Fa-f]*)\.?\Z")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class UrlInvalid(ValueError):
    """`str()` says why."""


def check_url(text: str, max_chars: int, rules: TargetRules) -> None:
    """Raises UrlInvalid. A name is not resolved here, but each time an event is sent."""
    if len(text) > max_chars:
        raise UrlInvalid(f"it must have at most {max_chars} characters")
    if not _CHARACTERS.match(text) or _BAD_ESCAPE.search(text):
        raise UrlInvalid("it must be written as in RFC 3986, other characters percent-encoded")
    try:
        url = URL(text, encoded=True)
        host, port = url.raw_host, url.port
    except ValueError as why:
        raise UrlInvalid(f"it is not a URL ({why})") from None
    if url.scheme not in ("http", "https"):
        raise UrlInvalid("it must begin with http:// or https://")
    if not host:
        raise UrlInvalid("it names no host")
    if port == 0:
        raise UrlInvalid("its port must be from 1 to 65535")
    if "@" in url.raw_authority:
        raise UrlInvalid("it must not hold a user or a password")
    # 127.1 or 0x7f000001: IP addresses to some resolvers, which a check would not see
    if not is_literal(host) and _NUMERIC.search(host):
        raise UrlInvalid("its host is neither a name nor an IP address in its usual form")
    if port is not None and (why_not := refusal(host, port, rules)):
        raise UrlInvalid(why_not)
