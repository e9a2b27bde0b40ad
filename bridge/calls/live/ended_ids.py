"""The ids of calls that have ended: none is given to another call."""

from __future__ import annotations

from collections import OrderedDict

from bridge.calls.live.new_call import has_our_id
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.phone_call import PhoneCall, derived_call_id

# A channel of an ended call comes within seconds, or not at all. Storage knows the older ids.
_MAX = 10_000


class EndedIds:
    """Of the calls that ended last, with the moment of their end.

    If events are lost, a call seems to have ended while it has a channel more. The
    channel is then a call of its own, since an id has exactly one final record.
    """

    def __init__(self) -> None:
        self._ended_ms: OrderedDict[str, int] = OrderedDict()

    def __contains__(self, call_id: str) -> bool:
        return call_id in self._ended_ms

    def note(self, call: PhoneCall) -> None:
        """This call has its final record."""
        if call.final is not None:
            self._keep(call.id, call.final.at_ms)

    def with_own_id(self, fresh: PhoneCall) -> PhoneCall | None:
        """A new call, under an id that has not ended; None: its channel is one of an ended call of
        the API, of which nothing goes on.

        The id is made as for a call that storage knows as ended: of the Linkedid and that end.
        """
        ended_ms = self._ended_ms.get(fresh.id)
        if ended_ms is None:
            return fresh
        if has_our_id(fresh):
            return None
        while True:
            other_id = derived_call_id(fresh.pbx, f"{fresh.linkedid} {ended_ms}")
            next_ms = self._ended_ms.get(other_id)
            if next_ms is None:
                break
            # Two ends in one millisecond must not give one id.
            ended_ms = max(next_ms, ended_ms + 1)
        self._keep(fresh.id, ended_ms)  # the next search begins here
        return replace(fresh, id=other_id)

    def _keep(self, call_id: str, ended_ms: int) -> None:
        self._ended_ms[call_id] = ended_ms
        self._ended_ms.move_to_end(call_id)
        if len(self._ended_ms) > _MAX:
            self._ended_ms.popitem(last=False)
