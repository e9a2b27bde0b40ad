"""The calls that a stream has shown: it tells each difference once, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

import orjson

from bridge.calls.live.call_feed import FedChange, FeedPosition
from bridge.calls.state.call_views import extensions_in
from bridge.calls.state.phone_call import PhoneCall
from bridge.http.uapi.fields import Json
from bridge.http.uapi.stream.event_ids import event_id
from bridge.http.uapi.stream.event_text import event_text
from bridge.http.uapi.stream.shared_items import SharedItem
from bridge.supervision.fair_share import in_turns


class ShownCalls:
    """The events of one stream, as text.

    `state`: all live calls. `call`: one call as it is now, or its final record. `gone`: a call that
    goes on without these extensions.
    """

    def __init__(
        self,
        extensions: Collection[str],
        show: Callable[[PhoneCall], Json],
        show_change: Callable[[FedChange], SharedItem],
    ) -> None:
        """`show_change`: as `show`; readers with the same rights share what it gives."""
        self._extensions = frozenset(extensions)
        self._show = show
        self._show_change = show_change
        self._shown: dict[str, int] = {}  # by id: a hash of the text that went out

    async def state(self, calls: Iterable[PhoneCall], position: FeedPosition) -> bytes:
        """All live calls; the reader forgets the calls that it knew."""
        entry = await in_turns(calls, self._show)
        self._shown = {str(x["id"]): _digest(x) for x in entry}
        return event_text("state", {"entry": entry}, event_id(position))

    async def continued(self, live: Iterable[PhoneCall], missed: Iterable[FedChange]) -> None:
        """The reader knows the live calls, as they were before it missed these changes."""
        known = {x.id: x for x in live}
        for fed in reversed(list(missed)):
            known.pop(fed.after.id, None)
            if fed.before is not None and self._is_of_these(fed.before):
                known[fed.before.id] = fed.before
        shown = await in_turns(known.values(), self._show)
        self._shown = {str(x["id"]): _digest(x) for x in shown}

    def ended(self, call: PhoneCall, position: FeedPosition) -> bytes:
        """The final record of a call that ended while the reader was away."""
        return event_text("call", self._show(call), event_id(position))

    def change(self, fed: FedChange) -> bytes:
        """The event of this change; empty if the reader sees no difference."""
        call = fed.after
        shown = self._show_change(fed)
        if call.final is None and self._extensions.isdisjoint(shown.extensions):
            known = self._shown.pop(call.id, None) is not None
            return event_text("gone", {"id": call.id}, event_id(fed.position)) if known else b""
        if self._shown.get(call.id) == shown.digest:
            return b""
        if call.final is None:
            self._shown[call.id] = shown.digest
        else:
            self._shown.pop(call.id, None)
        return shown.event

    def _is_of_these(self, call: PhoneCall) -> bool:
        return not self._extensions.isdisjoint(extensions_in(call))


def _digest(shown: Json) -> int:
    """As that of a shared item."""
    return hash(orjson.dumps(shown))
