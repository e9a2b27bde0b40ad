"""Transfer and TransferToVoicemail: a party of a talk goes to somebody else, or to a mailbox.

The PBX rings the target, and the party that transfers if the target does not answer: also while
this service is away. So the party that is transferred is not lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bridge.calls.live.switchboard import Switchboard
from bridge.calls.pbx import PbxOutcomeUnknown
from bridge.calls.state.api_transfer import target_leg, with_transfer, without_transfer
from bridge.calls.state.call_views import views_of
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.local_halves import is_half
from bridge.calls.state.phone_call import Leg, LegPhase, PhoneCall
from bridge.calls.steering.action_turns import ActionTurns
from bridge.calls.steering.errors import ActionFailed, TransferNotAllowed
from bridge.calls.steering.live_call import (
    caller_of_ringing,
    party_in_talk,
    require_no_holder,
    still_live,
    the_other,
)
from bridge.calls.steering.neighbour import neighbour_of, with_neighbour
from bridge.calls.steering.transfer_outcome import BegunTransfer, TransferOutcome, TransferOutcomes
from bridge.calls.steering.transfer_pbx import NOBODY, PbxTransfer, PbxTransfers, TargetKind
from bridge.directory.model import ExtensionType
from bridge.directory.party import Party

TRANSFER_CONTEXT, MAILBOX_CONTEXT, HANG_UP_CONTEXT = "uapi-transfer", "uapi-voicemail", "hang-up"
TRANSFER_CONTEXTS = (TRANSFER_CONTEXT, "uapi-transfer-back", "bridge-phone", HANG_UP_CONTEXT)


@dataclass(frozen=True, slots=True)
class TransferOrder:
    """One transfer, resolved and checked: the party of the view `view_id` transfers the other.

    `back_dial`: what rings the party that transfers. It and the target ring for at most `wait_s`
    seconds. `is_local_only`: whether no public number may have a party of the call as it is then.
    """

    call_id: str
    view_id: str
    target: Party
    back_dial: str
    wait_s: int
    is_local_only: Callable[[PhoneCall], bool]


class Transferring:
    """`turns`: of each call, by its id."""

    def __init__(self, switchboard: Switchboard, pbx: PbxTransfers, turns: ActionTurns) -> None:
        self._switchboard = switchboard
        self._pbx = pbx
        self._turns = turns
        self._outcomes = TransferOutcomes(switchboard, pbx)

    async def transfer(self, order: TransferOrder) -> PhoneCall:
        """Connect the other party with the target; returns the call once the target has it.

        Raises TransferNotAllowed, ActionUnavailable, PbxUnavailable, PbxRefused, ActionFailed,
        PbxOutcomeUnknown. `str()` of the last two says where the party is: as before, back, still
        ringing, or gone with the call.
        """
        target = order.target
        async with self._turns.of(order.call_id):
            _require_allowed(order, self._parties(order.call_id, order.view_id)[0])
            await self._pbx.require(TRANSFER_CONTEXTS, ())
            await self._require_reachable(target)
            outcome = await with_neighbour(
                lambda: self._leaving(order.call_id, order.view_id),
                lambda leaving: self._to_target(order, leaving),
            )
        return await outcome.of_target(target.spelled, order.wait_s)

    async def to_voicemail(self, call_id: str, view_id: str, mailbox: Party) -> PhoneCall:
        """Have the other party leave a message in the mailbox of an extension.

        Returns the call once the mailbox has it. Raises as `transfer`.
        """
        async with self._turns.of(call_id):
            self._parties(call_id, view_id)
            await self._pbx.require((MAILBOX_CONTEXT, HANG_UP_CONTEXT), ())
            why_not = await self._pbx.no_room_in(mailbox.number)
            if why_not:
                raise ActionFailed(why_not)
            outcome = await with_neighbour(
                lambda: self._leaving(call_id, view_id),
                lambda leaving: self._to_mailbox(call_id, view_id, mailbox.number, leaving),
            )
        return await outcome.of_mailbox(mailbox.spelled)

    async def _to_target(self, order: TransferOrder, leaving: str) -> TransferOutcome:
        begun = self._begun(order.call_id, order.view_id, leaving)
        _require_allowed(order, begun.before)
        local_only = order.is_local_only(begun.before)
        kept = begun.kept.uniqueid or ""
        sent = self._pbx.transfer(kept, leaving, _order(order, begun, local_only=local_only))
        return await self._send(begun, _towards(order, local_only=local_only), sent)

    async def _to_mailbox(
        self, call_id: str, view_id: str, mailbox: str, leaving: str
    ) -> TransferOutcome:
        begun = self._begun(call_id, view_id, leaving)
        sent = self._pbx.to_mailbox(begun.kept.uniqueid or "", leaving, mailbox)
        return await self._send(begun, lambda x, view: with_transfer(x, view, mailbox), sent)

    async def _leaving(self, call_id: str, view_id: str) -> str:
        """The channel that talks to the one that is kept, or that a hold by the API took from it.

        NOBODY where the one that transfers rings, and the other's own channel dials it. In a call
        of the API another channel does, which the source talks to.

        Raises ActionFailed, PbxUnavailable, PbxOutcomeUnknown.
        """
        _, transferer, kept = self._parties(call_id, view_id)
        if transferer.phase is not LegPhase.UP and kept.calls_in:
            return NOBODY
        hold = transferer.api_hold
        if hold is None:
            return await neighbour_of(self._switchboard.calls.live, self._pbx, call_id, kept)
        if hold.held != kept.uniqueid:
            raise ActionFailed(f"{kept.number} talks to nobody of this call")
        return hold.waiting

    def _begun(self, call_id: str, view_id: str, leaving: str) -> BegunTransfer:
        """The transfer with the call as it is now. Raises ActionFailed."""
        call, transferer, kept = self._parties(call_id, view_id)
        rings = transferer.phase is not LegPhase.UP and kept.calls_in
        if leaving not in call.channels and not (rings and leaving == NOBODY):
            raise ActionFailed(f"{kept.number} talks to nobody of this call")
        return BegunTransfer(call, transferer, kept, leaving)

    def _parties(self, call_id: str, view_id: str) -> tuple[PhoneCall, Leg, Leg]:
        """The call as it is now, who transfers, and whom. Raises ActionFailed."""
        call = still_live(self._switchboard.calls.live, call_id)
        caller = caller_of_ringing(call, view_id)
        if caller is not None:
            return call, next(x for x in call.legs if x.view_id == view_id), caller
        transferer = party_in_talk(call, view_id)
        kept = the_other(call, transferer)
        if is_half(call, kept.uniqueid):
            raise ActionFailed(f"{kept.number} cannot be transferred")
        require_no_holder(kept)
        return call, transferer, kept

    async def _require_reachable(self, target: Party) -> None:
        """Raises ActionFailed for a phone that cannot be rung and has no forward for that."""
        if target.extension is None or not target.endpoint:
            return
        forwards = target.extension.forwards
        if forwards and (forwards.always or forwards.unregistered or forwards.voicemail):
            return
        if not await self._switchboard.pbx.has_phone_to_ring(target.endpoint):
            raise ActionFailed(f"no phone of {target.spelled} is registered")

    async def _send(
        self,
        begun: BegunTransfer,
        change: Callable[[PhoneCall, str], PhoneCall],
        sent: Awaitable[None],
    ) -> TransferOutcome:
        """Change the call, then the PBX, whose events may come at once.

        The call changes back if the PBX has not done it. It counts as done where that is unknown.
        """
        call_id, view_id = begun.before.id, begun.transferer.view_id
        outcome = self._outcomes.of(begun)
        self._switchboard.change(call_id, lambda x: change(x, view_id))
        try:
            await sent
        except PbxOutcomeUnknown:
            return outcome
        except BaseException:
            self._outcomes.forget(outcome)
            self._switchboard.change(call_id, lambda x: without_transfer(x, begun.before))
            raise
        return outcome


def _require_allowed(order: TransferOrder, call: PhoneCall) -> None:
    """Judged of the call as it is now: a stricter rule may have come while the action waited.

    Raises TransferNotAllowed, ActionFailed.
    """
    target = order.target
    if target.is_public and order.is_local_only(call):
        raise TransferNotAllowed(f"{target.spelled} is a public number")
    if has_target(call, target):
        raise ActionFailed(f"{target.spelled} is in the call by now")


def has_target(call: PhoneCall, target: Party) -> bool:
    """Whether the target is a party of the call already, or the service that it is at."""
    if target.number == call.called_service and not call.left_service:
        return True
    return any(target.number in (x.leg.extension, x.leg.number) for x in views_of(call))


def _stays_local(order: TransferOrder, *, local_only: bool) -> bool:
    """Also where only the target may not call public numbers: its phone transfers with the right of
    the call."""
    extension = order.target.extension
    if local_only or extension is None:
        return local_only
    return extension.type is ExtensionType.PHONE_TERMINAL and not extension.may_call_public


def _towards(order: TransferOrder, *, local_only: bool) -> Callable[[PhoneCall, str], PhoneCall]:
    target, local = order.target, _stays_local(order, local_only=local_only)
    extension = target.extension.number if target.extension is not None else None

    def change(call: PhoneCall, view_id: str) -> PhoneCall:
        leg = target_leg(call, target.number, target.spelled, target.dial, extension)
        call = with_transfer(call, view_id, target.number, leg)
        return replace(call, local_transfers_only=call.local_transfers_only or local)

    return change


def _order(order: TransferOrder, begun: BegunTransfer, *, local_only: bool) -> PbxTransfer:
    target, kind = order.target, TargetKind.SERVICE
    # The call itself does not keep that: the target may not answer.
    only_public = target.is_public and not begun.before.allow_public_transfer
    if target.is_public:
        kind = TargetKind.PUBLIC
    elif target.endpoint:
        kind = TargetKind.PHONE
    return PbxTransfer(
        number=target.number,
        dial=target.dial,
        kind=kind,
        wait_s=order.wait_s,
        local_only=local_only,
        stays_local=_stays_local(order, local_only=local_only) or only_public,
        back_number=begun.transferer.number,
        back_dial=order.back_dial,
    )
