"""Server-sent events of another instance, read one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import StreamReader

from bridge.cluster.forward_client import ForwardBroken
from bridge.http.uapi.stream.event_ids import position_of

EVENT_MAX_BYTES = 64 * 1024 * 1024
"""A state has all live calls of a reader in one event."""

_END = b"\n\n"


@dataclass(frozen=True, slots=True)
class SentEvent:
    """`at_ms`: the moment that the event's id names; 0: it has none. `data`: JSON."""

    kind: str
    at_ms: int
    data: bytes


async def events_of(content: StreamReader) -> AsyncIterator[SentEvent]:
    """All events, until the stream ends; comments are left out.

    Raises ForwardBroken for an event that is too long, and the faults of the connection.
    """
    rest = bytearray()
    searched = 0
    while piece := await content.readany():
        rest += piece
        while (end := rest.find(_END, max(0, searched - 1))) >= 0:
            event = _event(bytes(rest[:end]))
            del rest[: end + len(_END)]
            searched = 0
            if event is not None:
                yield event
        searched = len(rest)
        if len(rest) > EVENT_MAX_BYTES:
            raise ForwardBroken(f"an event is longer than {EVENT_MAX_BYTES} bytes")


def _event(text: bytes) -> SentEvent | None:
    fields = dict(x.partition(b": ")[::2] for x in text.split(b"\n"))
    if b"data" not in fields:
        return None
    position = position_of(fields.get(b"id", b"").decode("ascii", "replace"))
    kind = fields.get(b"event", b"").decode("ascii", "replace")
    return SentEvent(kind, 0 if position is None else position.at_ms, fields[b"data"])
