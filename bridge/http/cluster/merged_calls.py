"""The events of several streams of calls, made into those of one stream; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson

from bridge.calls.live.call_feed import FeedPosition
from bridge.http.cluster.sent_events import SentEvent
from bridge.http.uapi.stream.event_ids import event_id
from bridge.http.uapi.stream.event_text import event_of_text

# Clocks of PBXs differ, and their events meet in any order. A reader that comes back gets the final
# records of so much more time; it may get one twice.
_SLACK_MS = 2_000


class MergedCalls:
    """`state` tells the calls of all PBXs at once: the reader forgets all others with it."""

    def __init__(self, pbx_names: Sequence[str]) -> None:
        self._names = tuple(pbx_names)
        self._live: dict[str, dict[str, bytes]] = {}
        self._ended: set[str] = set()

    @property
    def complete(self) -> bool:
        """Whether each PBX has told its state, so that the reader can be told one."""
        return len(self._live) == len(self._names)

    def told(self, pbx: str, event: SentEvent) -> Iterator[bytes]:
        """The events for the reader. Raises ValueError for one that no stream of calls has."""
        value = orjson.loads(event.data)
        if event.kind == "state" and isinstance(value, dict):
            yield from self._state(pbx, event, value.get("entry"))
        elif event.kind == "call":
            yield from self._call(pbx, event, value)
        elif event.kind == "gone":
            self._live.get(pbx, {}).pop(_id_of(value), None)
            yield _text(event, event.data)
        else:
            raise ValueError(f"no event of calls: {event.kind}")

    def _state(self, pbx: str, event: SentEvent, entry: object) -> Iterator[bytes]:
        if not isinstance(entry, list):
            raise ValueError("a state without calls")
        self._live[pbx] = {_id_of(x): orjson.dumps(x) for x in entry}
        if self.complete:
            self._ended.clear()
            calls = [x for name in self._names for x in self._live[name].values()]
            yield _text(event, b'{"entry":[%s]}' % b",".join(calls))

    def _call(self, pbx: str, event: SentEvent, call: dict[str, object]) -> Iterator[bytes]:
        call_id = _id_of(call)
        if "ended" not in call:
            self._live.setdefault(pbx, {})[call_id] = event.data
        elif self._live.get(pbx, {}).pop(call_id, None) is None and not self.complete:
            # Missed by the reader: each holder reads it from the database that they share.
            if call_id in self._ended:
                return
            self._ended.add(call_id)
        yield _text(event, event.data)


def _id_of(call: object) -> str:
    if not isinstance(call, dict) or not isinstance(call.get("id"), str):
        raise ValueError("a call without an id")
    return str(call["id"])


def _text(event: SentEvent, data: bytes) -> bytes:
    """No position of one PBX means anything to another: the moment does."""
    at_ms = max(0, event.at_ms - _SLACK_MS)
    return event_of_text(event.kind, data, event_id(FeedPosition(0, 0, at_ms)))
