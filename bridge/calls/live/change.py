"""A change of a live call, as the tracker tells it."""

from __future__ import annotations

from bridge.calls.state.effects import Effect
from bridge.calls.state.event_dataclass import frozen
from bridge.calls.state.pbx_events import PbxEvent
from bridge.calls.state.phone_call import PhoneCall


@frozen
class Change:
    """One call before and after one event; `before` is None for a call that is new.

    `event` is None where the change does not come from one event of the PBX. `goes_on_in`: the id
    of the call that this one has become a part of, with its channels.
    """

    before: PhoneCall | None
    after: PhoneCall
    effects: tuple[Effect, ...]
    event: PbxEvent | None = None
    goes_on_in: str = ""
