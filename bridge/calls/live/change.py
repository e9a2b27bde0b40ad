"""A change of a live call, as the tracker tells it."""

from __future__ import annotations

from bridge.calls.state.effects import Effect
from bridge.calls.state.event_dataclass import frozen
from bridge.calls.state.phone_call import PhoneCall


@frozen
class Change:
    """One call before and after one event; `before` is None for a call that is new."""

    before: PhoneCall | None
    after: PhoneCall
    effects: tuple[Effect, ...]
