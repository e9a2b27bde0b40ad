"""Calls that are placed to act on another call: to listen to it, to pick it up, to fetch it.

Each is an ordinary call of the API: on disk before it is dialled, dialled once, one final record.
Its source is the phone of `sendCallTo`. The PBX does the action once that phone has answered, also
if this service is away then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import structlog

from bridge.calls.call_order import NewCall
from bridge.calls.hanging_up import HangUp
from bridge.calls.live.change import Change
from bridge.calls.live.switchboard import Switchboard
from bridge.calls.pbx import PbxOutcomeUnknown
from bridge.calls.placing import CallPlacement
from bridge.calls.state.acting_calls import can_act_on, why_over
from bridge.calls.state.acts_on import ActsOn, CallAction
from bridge.calls.state.phone_call import Disposition, EndedBy, Leg, PhoneCall
from bridge.calls.state.transfer_rule import is_local_only
from bridge.calls.steering.acting_pbx import ActingPbx
from bridge.calls.steering.errors import ActionFailed, ActionUnavailable
from bridge.calls.steering.other_calls import OtherCalls
from bridge.directory.caller_ids import CallerId
from bridge.directory.model import Extension
from bridge.directory.party import Party
from bridge.supervision.tasks import awaited

log = structlog.get_logger()

# The phone has stopped ringing by its own time limit well before that.
OUTCOME_MARGIN_S = 10.0

Accept = Callable[[PhoneCall], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ActionOrder:
    """Everything resolved and checked. `leg`: the party of `other` that is meant. `phone` rings for
    at most `wait_s` seconds with `caller_id`; its extension pays. `duration_s` limits how long it
    listens."""

    action: CallAction
    other: PhoneCall
    leg: Leg
    phone: Party
    extension: Extension
    caller_id: CallerId
    wait_s: int
    duration_s: int
    client_id: str

    @property
    def acts_on(self) -> ActsOn:
        """The purpose of the new call."""
        acts_on = ActsOn(
            self.action, self.other.id, self.leg.view_id, channel=self.leg.uniqueid or ""
        )
        parking = self.leg.parking
        if self.action is not CallAction.UN_PARK or parking is None:
            return acts_on
        place = parking.place
        return replace(acts_on, parking_space=place, parked_channel=parking.channel)


class ActingCalls:
    """Places them, and tells how they came out.

    `accept` puts a call on disk. To be made once the calls of the last run are live again.
    """

    def __init__(
        self,
        switchboard: Switchboard,
        placement: CallPlacement,
        hang_up: HangUp,
        accept: Accept,
        pbx: ActingPbx,
    ) -> None:
        self._switchboard = switchboard
        self._placement = placement
        self._accept = accept
        self._pbx = pbx
        self._others = OtherCalls(switchboard, hang_up, pbx)
        self._outcomes: dict[str, asyncio.Future[PhoneCall]] = {}
        self._under_way: dict[tuple[str, ActsOn], asyncio.Task[PhoneCall]] = {}
        switchboard.observe(self._changed)

    async def act(self, order: ActionOrder) -> PhoneCall:
        """Ring the phone and act; returns the call that listens, or the one that was picked up or
        fetched. The same action asked for again rings nobody again: it has the same outcome.

        Raises ActionFailed, ActionUnavailable, PbxOutcomeUnknown (it rings, and its end was not
        heard), and what CallPlacement.place raises.
        """
        key = order.phone.number, order.acts_on
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = awaited(self._act(order), "act_on_call")
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        return await asyncio.shield(task)

    def stop(self) -> None:
        """Look at no call any more. The PBX goes on by itself."""
        self._others.stop()

    async def _act(self, order: ActionOrder) -> PhoneCall:
        self._require_possible(order)
        listening = self._listening(order)
        if listening is not None:
            return listening
        lacking = await self._pbx.lacks_for(order.action)
        if lacking:
            raise ActionUnavailable(lacking)
        other = self._require_possible(order)
        after = await self._outcome(order, other)
        if after.final is None:
            return after
        if any(x.moved for x in after.legs):
            return self._switchboard.calls.live.find(after.id) or after
        raise ActionFailed(_why(order, after))

    async def _outcome(self, order: ActionOrder, other: PhoneCall) -> PhoneCall:
        """The new call once it has ended, or listens; `other`: the other call as it is now."""
        outcome: asyncio.Future[PhoneCall] = asyncio.get_running_loop().create_future()
        begun: list[PhoneCall] = []

        async def accept(call: PhoneCall) -> None:
            begun.append(call)
            self._outcomes[call.id] = outcome
            self._others.note(call)
            await self._accept(call)

        try:
            call = await self._placement.place(_new_call(order, other), accept)
            async with asyncio.timeout(order.wait_s + OUTCOME_MARGIN_S):
                return await outcome
        except TimeoutError:
            raise PbxOutcomeUnknown(f"call {call.id} to {order.phone.number} goes on") from None
        finally:
            for one in begun:
                self._outcomes.pop(one.id, None)
                if self._switchboard.calls.live.get(one.id) is None:
                    self._others.forget(one)

    def _require_possible(self, order: ActionOrder) -> PhoneCall:
        """The other call as it is now. Raises ActionFailed."""
        now = self._switchboard.calls.live.find(order.other.id)
        if now is None or not can_act_on(order.acts_on, now):
            raise ActionFailed(why_over(order.acts_on))
        return now

    def _listening(self, order: ActionOrder) -> PhoneCall | None:
        """The call by which this phone listens already, in this way."""
        for call in self._others.acting_on(order.other.id):
            if call.answered_ms is None or call.hang_up is not None:
                continue
            if call.extension == order.phone.number and call.acts_on == order.acts_on:
                return call
        return None

    def _changed(self, change: Change) -> None:
        call = change.after
        if call.acts_on is None or (call.final is None and call.answered_ms is None):
            return
        if call.answered_ms is not None and not (change.before and change.before.answered_ms):
            _log_listened_to(call, call.acts_on)
        outcome = self._outcomes.get(call.id)
        if outcome is not None and not outcome.done():
            outcome.set_result(call)


def _new_call(order: ActionOrder, other: PhoneCall) -> NewCall:
    """`other`: the other call as it is now."""
    return NewCall(
        extension=order.extension,
        extension_spelled=order.phone.spelled,
        sources=(order.phone,),
        destinations=(),
        caller_id=order.caller_id,
        destination_caller_id=CallerId(order.extension.caller_name, order.extension.caller_number),
        nonce=None,
        wait_s=order.wait_s,
        duration_s=order.duration_s,
        allow_public_transfer=other.allow_public_transfer,
        video=False,
        client_id=order.client_id,
        acts_on=order.acts_on,
        dialled=_dialled(order),
        local_only=is_local_only(other),
    )


def _dialled(order: ActionOrder) -> str:
    """The digits that the phone would have dialled for it; empty for listening."""
    if order.action.listens:
        return ""
    return order.leg.number if order.action is CallAction.PICK_UP else order.other.dialled


def _why(order: ActionOrder, call: PhoneCall) -> str:
    final, phone = call.final, order.phone.spelled
    assert final is not None  # noqa: S101 - the caller has looked
    if final.by is EndedBy.OTHER_CALL:
        return final.reason
    if final.by is EndedBy.API:
        return f"call {call.id} to {phone} was hung up"
    if final.disposition is Disposition.BUSY:
        return f"{phone} is busy ({final.reason})"
    if final.disposition is Disposition.NO_ANSWER:
        return f"{phone} did not answer within {order.wait_s} s"
    return f"{phone}: {final.reason}"


def _log_listened_to(call: PhoneCall, acts_on: ActsOn) -> None:
    log.info(
        "call_listened_to",
        call_id=acts_on.call_id,
        view=acts_on.view_id,
        action=acts_on.action.value,
        by_call_id=call.id,
        extension=call.extension,
        app=call.client_id,
    )
