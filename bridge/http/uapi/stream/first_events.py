"""The first events of a stream: what the reader missed, or the state of now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from bridge.calls.call_records import CallRecords
from bridge.calls.live.call_feed import FeedPosition
from bridge.calls.state.phone_call import PhoneCall
from bridge.calls.store.ended_calls import EndedCalls
from bridge.http.node_services import NodeServices
from bridge.http.uapi.scope import Scope
from bridge.http.uapi.stream.shown_calls import ShownCalls

MISSED_MAX = 1_000
"""Final records that a reader gets after a long break; `ended=true` lists the others."""


class Opening:
    """Takes the state as it is made; its events may leave later.

    `asked`: the place that the reader has read to; None for a new reader.
    """

    def __init__(
        self,
        node: NodeServices,
        records: CallRecords,
        scope: Scope,
        shown: ShownCalls,
        asked: FeedPosition | None,
    ) -> None:
        feed = node.call_feed
        self._records = records
        self._scope = scope
        self._shown = shown
        self._asked = asked
        self._now = feed.position
        self._live = node.live_calls.meant(scope.extensions)
        self._missed = feed.since(asked) if asked is not None else None
        self._ended = feed.ended_since(asked.at_ms) if asked is not None else []

    async def events(self) -> AsyncIterator[bytes]:
        """Raises StorageUnavailable before the first event."""
        if self._missed is not None:
            extensions = {x.number for x in self._scope.extensions}
            mine = [x for x in self._missed if x.of(extensions)]
            await self._shown.continued(self._live, mine)
            for change in mine:
                yield self._shown.change(change)
            return
        if self._asked is not None:
            for call in await self._ended_since(self._asked.at_ms):
                yield self._shown.ended(call, self._asked)
        yield await self._shown.state(self._live, self._now)

    async def _ended_since(self, at_ms: int) -> Iterable[PhoneCall]:
        """Of the records, and of calls whose record may not be on disk yet."""
        numbers = [x.number for x in self._scope.extensions]
        asked = EndedCalls(numbers, at_ms, descending=True, count=MISSED_MAX)
        stored, _ = await self._records.ended(asked, lambda x: x)
        found = {x.id: x for x in stored}
        found |= {x.id: x for x in self._ended if not x.extensions.isdisjoint(numbers)}
        return sorted(found.values(), key=_ended_ms)


def _ended_ms(call: PhoneCall) -> int:
    return call.final.at_ms if call.final is not None else 0
