"""Which parties of the live calls are in the database, so that they are not written again."""

from __future__ import annotations

from bridge.calls.state.phone_call import PhoneCall


class KnownParties:
    """Forgetting a call is harmless, its parties are then written once more; so it forgets the
    oldest call beyond `max_calls`.
    """

    def __init__(self, max_calls: int = 20_000) -> None:
        self._max_calls = max_calls
        self._of_call: dict[str, tuple[str, ...]] = {}  # a set takes four times as much

    def missing(self, call: PhoneCall) -> frozenset[str]:
        """The parties that must be written with this state of the call."""
        return call.extensions.difference(self._of_call.get(call.id, ()))

    def written(self, call: PhoneCall) -> None:
        """They are in the database, or will be before anything else of this call."""
        known = self._of_call.pop(call.id, ())
        if len(self._of_call) >= self._max_calls:
            del self._of_call[next(iter(self._of_call))]
        self._of_call[call.id] = tuple(call.extensions.union(known))

    def forget(self, call_id: str) -> None:
        """The call has ended: nothing of it stays in memory."""
        self._of_call.pop(call_id, None)
