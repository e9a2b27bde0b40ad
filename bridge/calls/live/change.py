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


def is_of_channels_alone(change: Change) -> bool:
    """Whether channels have come, or are in another state, and no party is further on by that.

    Nothing is stored, logged or added to a timeline then. A third of the events of a call that the
    API made are so: those of new channels, and of the halves of the Local channel.
    """
    before, after = change.before, change.after
    return (
        before is not None
        and not change.effects
        and not change.goes_on_in
        and before.legs is after.legs
        and after.final is None
        and before.answered_ms == after.answered_ms
        and before.taken_ms == after.taken_ms
        and before.mailbox == after.mailbox
        and before.extension == after.extension
        and before.joined is after.joined
        and before.split_off is after.split_off
        and before.channels.keys() <= after.channels.keys()
    )
