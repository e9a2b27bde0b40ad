"""The states of a delivery worker, and the choice of the next one: pure, so that it can be read and
tested.

```
          begin, and after every step: next_state(what is seen)
            |
            +-> SENDING_ONCE_MORE --> DISABLING   (the receiver answered 410)
            +-> READING ------------> WAITING_FOR_DATABASE   (it does not answer)
            +-> SENDING ------------> DISABLING
            +-> WAITING_FOR_RETRY                 (until its time, or until something happens)
            +-> GIVING_UP
            |
            +-> IDLE, NOT_IN_FORCE, STOPPED       (the worker ends)
```
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bridge.phone_call_events.delivery import Delivery


class WorkerState(Enum):
    """The states of a delivery worker; `next_state` chooses the next one."""

    READING = "reading"
    """The next events are read from disk."""
    WAITING_FOR_DATABASE = "waiting for database"
    """The database does not answer; it is asked again after a pause."""
    SENDING = "sending"
    """The oldest event is sent."""
    SENDING_ONCE_MORE = "sending once more"
    """An event is sent that an app wants to have once more, a single time."""
    WAITING_FOR_RETRY = "waiting for retry"
    """The oldest event was refused, and its next time has not come."""
    GIVING_UP = "giving up"
    """The oldest event is too old, or has to make room for newer ones."""
    DISABLING = "disabling"
    """The receiver wants no more; nothing is sent before that is on disk."""
    IDLE = "idle"
    """Nothing waits."""
    NOT_IN_FORCE = "not in force"
    """The subscription is gone, disabled or suspended."""
    STOPPED = "stopped"


ENDS = frozenset({WorkerState.IDLE, WorkerState.NOT_IN_FORCE, WorkerState.STOPPED})
"""The worker ends in these."""


@dataclass(frozen=True, slots=True)
class Situation:
    """The facts that decide about the next state.

    `oldest`: the event to be delivered next, None where none is in memory. `in_force`: whether its
    subscription is. `surplus`: it has to make room. `hurried`: a retry must not wait for its time.
    """

    now_ms: int
    oldest: Delivery | None
    on_disk: bool
    once_more: bool = False
    in_force: bool = True
    surplus: bool = False
    hurried: bool = False
    stopping: bool = False


def due_ms(delivery: Delivery) -> int:
    """When it is sent or given up next, in ms since the epoch."""
    return min(delivery.next_attempt_ms, delivery.give_up_ms)


def next_state(seen: Situation) -> WorkerState:
    """The next state. Only the worker itself enters WAITING_FOR_DATABASE and DISABLING."""
    if seen.stopping:
        return WorkerState.STOPPED
    if seen.once_more:
        return WorkerState.SENDING_ONCE_MORE
    if seen.oldest is None:
        return WorkerState.READING if seen.on_disk else WorkerState.IDLE
    if not seen.in_force:
        return WorkerState.NOT_IN_FORCE
    if seen.surplus or seen.now_ms >= seen.oldest.give_up_ms:
        return WorkerState.GIVING_UP
    if seen.now_ms < due_ms(seen.oldest) and not seen.hurried:
        return WorkerState.WAITING_FOR_RETRY
    return WorkerState.SENDING
