"""The `id` of a server-sent event: a place in the feed of changes."""

from __future__ import annotations

import re

from bridge.calls.live.call_feed import FeedPosition

_FORM = re.compile(r"([0-9a-f]{1,12})-([0-9a-f]{1,12})-([0-9a-f]{1,12})")


def event_id(position: FeedPosition) -> str:
    """The id after which the stream can go on."""
    return f"{position.began_ms:x}-{position.number:x}-{position.at_ms:x}"


def position_of(text: str) -> FeedPosition | None:
    """The place of an id; None if the text is none of ours."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    began_ms, number, at_ms = (int(x, 16) for x in found.groups())
    return FeedPosition(began_ms, number, at_ms)
