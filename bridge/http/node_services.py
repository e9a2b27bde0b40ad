"""The parts of one node, which is one PBX with its calls, that handlers use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bridge.calls.hanging_up import HangUp
from bridge.calls.live.call_feed import CallFeed
from bridge.calls.live.switchboard import Switchboard
from bridge.calls.live.which_live_calls import LiveCalls
from bridge.calls.pbx import Pbx
from bridge.calls.placing import CallPlacement
from bridge.calls.steering.acting_calls import ActingCalls
from bridge.calls.steering.conferences import Conferences
from bridge.calls.steering.sending_digits import DigitSender
from bridge.calls.steering.steering import Steering
from bridge.http.uapi.idempotent_creates import IdempotentCreates
from bridge.http.uapi.stream.shared_items import SharedItems
from bridge.pbx.phones.browser_secrets import BrowserSecrets
from bridge.pbx.phones.directory_phones import DirectoryPhones
from bridge.pbx.phones.phone_changes import PhoneChanges
from bridge.pbx.phones.registrations import RegistrationSource
from bridge.queues.provisioning import QueueProvisioning
from bridge.queues.queue_agents import QueueAgents
from bridge.recordings.service import Recordings


@dataclass(frozen=True, slots=True)
class NodeServices:
    """`pbx.name` is the name of the node."""

    pbx: Pbx
    phones: DirectoryPhones
    browser_secrets: BrowserSecrets
    registrations: RegistrationSource
    phone_changes: PhoneChanges
    switchboard: Switchboard
    live_calls: LiveCalls
    placement: CallPlacement
    hang_up: HangUp
    digits: DigitSender
    conferences: Conferences
    call_feed: CallFeed
    stream_items: SharedItems
    acting: ActingCalls
    steering: Steering
    idempotency: IdempotentCreates
    recordings: Recordings
    queue_agents: QueueAgents
    queues: QueueProvisioning


class HeldNodes:
    """The nodes that this instance holds now, by the names of their PBXs."""

    def __init__(self) -> None:
        self._by_name: dict[str, NodeServices] = {}
        self._only: NodeServices | None = None

    @property
    def only(self) -> NodeServices | None:
        """The node if there is exactly one."""
        return self._only

    def get(self, name: str) -> NodeServices | None:
        """The node of that PBX; None if this instance does not hold it now."""
        return self._by_name.get(name)

    def add(self, node: NodeServices) -> None:
        """Have requests find the node from now on."""
        self._by_name[node.pbx.name] = node
        self._changed()

    def remove(self, name: str) -> None:
        """Have no further request find the node. Does nothing if it is not there."""
        self._by_name.pop(name, None)
        self._changed()

    def _changed(self) -> None:
        self._only = next(iter(self)) if len(self._by_name) == 1 else None

    def __iter__(self) -> Iterator[NodeServices]:
        return iter(tuple(self._by_name.values()))

    def __len__(self) -> int:
        return len(self._by_name)
