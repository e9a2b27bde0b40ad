"""Numbers that grow with each event, over all types and subscriptions of an extension."""

from __future__ import annotations

from bridge.clock import now_ms


class EventNumbers:
    """Numbers of this process and of those before it.

    A number is the time in ms, or one more than the last number if that is higher. So nothing has
    to be written for it beyond the event, and it grows over restarts as well.

    `shared`: other instances make events of the same extensions, by clocks of their own. A number
    is the least that the event may have then: the database counts, in the transaction of the event.
    """

    def __init__(self, *, shared: bool = False) -> None:
        self.shared = shared
        self._last = 0

    def go_on_after(self, number: int) -> None:
        """The next number is higher: the clock may have been set back since that one."""
        self._last = max(self._last, number)

    def next(self) -> int:
        """A number that no event has."""
        self._last = max(self._last + 1, now_ms())
        return self._last
