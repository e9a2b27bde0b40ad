"""Server-sent events as text (HTML standard, "Server-sent events")."""

from __future__ import annotations

import orjson

HEARTBEAT = b": heartbeat\n\n"
"""A comment. It shows each side that the other is there, and proxies that the answer goes on."""
_RECONNECT_MS = 2000
OPENING = f"retry: {_RECONNECT_MS}\n\n".encode()


def event_text(kind: str, data: object, event_id: str = "") -> bytes:
    """One event; JSON of orjson has no line end in it. Without an id no stream goes on after it."""
    return event_of_text(kind, orjson.dumps(data), event_id)


def event_of_text(kind: str, data: bytes, event_id: str = "") -> bytes:
    """One event of data that is JSON already, in one line."""
    first = b"id: %s\n" % event_id.encode() if event_id else b""
    return b"%sevent: %s\ndata: %s\n\n" % (first, kind.encode(), data)
