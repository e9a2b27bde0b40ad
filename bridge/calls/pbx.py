"""The protocol between calls and the PBX; it contains no AMI."""

from __future__ import annotations

import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from bridge.calls.state.acts_on import ActsOn
from bridge.calls.state.pbx_events import PbxEvent, PbxSnapshot
from bridge.directory.caller_ids import CallerId


class PbxUnavailable(Exception):
    """The link is down or the PBX is still booting. Nothing was sent."""


class PbxNotHeld(PbxUnavailable):
    """Another instance may act for this PBX by now, or none does. Nothing was sent."""

    def __init__(self, why: str = "another instance is about to take it over") -> None:
        super().__init__(why)


class PbxRefused(Exception):
    """The PBX answered the action with an error. Nothing happened. `str()` is the PBX's message."""


class PbxOutcomeUnknown(Exception):
    """The action was sent, its answer never came. Never send it again: resync tells the truth."""


class InvalidPbxValue(ValueError):
    """A value that must not reach the wire. `str()` names the field and the rule."""


class HangUpResult(Enum):
    """The outcome of a confirmed hang-up."""

    HUNG_UP = "hung up"
    NO_SUCH_CHANNEL = "no such channel"


class TransferScope(Enum):
    """The numbers to which a phone of this call may transfer it.

    ONE_PUBLIC: a phone may come to a public number, a public number only to a phone.
    """

    LOCAL = "local"
    ONE_PUBLIC = "one public"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class OriginateOrder:
    """One call to place. Sources and destinations are dial strings (`PJSIP/0003*210`).

    All sources ring at once for at most `wait_s` seconds. The first to answer is connected to the
    first of the destinations to answer. These ring for at most `destination_wait_s`. `duration_s`
    limits the talk. `account` is the extension that pays. `all_devices`: a party may have several
    phones, which all ring. `forwarding_phone`: the extension of the only destination, if the PBX
    follows its forwards in the directory. `phones_of_…`: all of that side are phones of the
    directory, so that `transfer_scope` knows their rights. `acts_on`: what the first source to
    answer does instead of being connected with destinations; there are none then.
    """

    call_id: str
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    caller_id: CallerId
    destination_caller_id: CallerId
    wait_s: int
    destination_wait_s: int
    duration_s: int
    account: str
    video: bool
    transfer_scope: TransferScope
    all_devices: bool = False
    forwarding_phone: str | None = None
    phones_of_source: bool = False
    phones_of_destination: bool = False
    acts_on: ActsOn | None = None


class PbxListener(Protocol):
    """Receives, in the order of the PBX, all that happens there. No method may block."""

    def link_up(self, snapshot: PbxSnapshot) -> None:
        """The link works (again); `snapshot` is the truth to start from."""

    def link_down(self, at_ms: int, why: str) -> None:
        """No event arrives until the next `link_up`."""

    def pbx_event(self, event: PbxEvent) -> None:
        """Take an event of the PBX, in the order of the events."""


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """`since_ms`: wall clock of the last change. `why` says what is wrong while `up` is False.

    `since_s`: the same moment by the monotonic clock.
    """

    up: bool
    since_ms: int
    why: str = ""
    since_s: float = field(default_factory=time.monotonic, compare=False)

    @property
    def lasts_s(self) -> float:
        """For how long it is so, whatever becomes of the wall clock."""
        return time.monotonic() - self.since_s


class Pbx(Protocol):
    """One Asterisk. Every method ends within the link's action time limit."""

    @property
    def name(self) -> str:
        """The name of this PBX in the settings; stored calls carry it."""

    @property
    def link(self) -> LinkStatus:
        """Whether the link is up now, since when, and what is wrong."""

    def originate(self, order: OriginateOrder) -> Coroutine[Any, Any, None]:
        """Place the call: the order is on its way to the PBX when this returns.

        Raises PbxUnavailable and InvalidPbxValue where it is not. The coroutine must be awaited:
        it ends once the PBX has accepted the call. It raises PbxRefused and PbxOutcomeUnknown.
        """

    async def hang_up(self, uniqueid: str) -> HangUpResult:
        """End the channel with that uniqueid.

        Raises PbxUnavailable, PbxRefused, PbxOutcomeUnknown, InvalidPbxValue.
        """

    async def ask_channel(self, uniqueid: str) -> bool:
        """Have the PBX tell, as an event, what that channel does; whether there is that channel.

        Raises PbxUnavailable, PbxRefused, PbxOutcomeUnknown, InvalidPbxValue.
        """

    async def snapshot(self) -> PbxSnapshot:
        """Every live channel. Raises PbxUnavailable, PbxOutcomeUnknown."""

    def reachable(self, endpoint: str) -> bool:
        """Whether a phone answers for this endpoint (`PJSIP/0003*210`), as far as we were told."""

    def why_unreachable(self, dial: str) -> str:
        """Why dialling this endpoint (`PJSIP/0003*210`) would fail, for a person; empty:
        nothing."""

    async def has_phone_to_ring(self, endpoint: str) -> bool:
        """The same asked of the PBX itself, where we were not told that it is reachable.

        Raises PbxUnavailable if the PBX does not answer, InvalidPbxValue.
        """
