"""Names and values as an HTML form, as `urlencode` gives it, which takes ten times as long."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

_PLAIN = re.compile(r"[A-Za-z0-9_.~*&=-]*")


def form_text(values: Mapping[str, str | int | None]) -> str:
    """The values nearly always are numbers, ids and extensions. So all are looked at as one text.

    Measured: 1.5 instead of 16 microseconds for the parameters of an event.
    """
    text = "&".join([f"{name}={value}" for name, value in values.items()])
    # One more of these marks would be in a value.
    no_mark = text.count("=") == len(values) and text.count("&") == len(values) - 1
    if no_mark and _PLAIN.fullmatch(text):
        return text.replace("*", "%2A")
    return urlencode(values)
