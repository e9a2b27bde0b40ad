"""Follows the calls that other calls act on.

A call that acts is ended once there is nothing left for it to do. A call that listens begins anew
once its party talks to somebody new. Nothing is stored: after a restart it begins with the live
calls.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator

import structlog

from bridge.calls.hanging_up import HangUp
from bridge.calls.live.change import Change
from bridge.calls.live.channel_hang_ups import NOT_CONFIRMED
from bridge.calls.live.switchboard import Switchboard
from bridge.calls.pbx import PbxUnavailable
from bridge.calls.state.acting_calls import can_act_on, listens, talking_channels
from bridge.calls.state.phone_call import EndedBy, LegPhase, PhoneCall
from bridge.calls.steering.acting_pbx import ActingPbx
from bridge.faults import Fenced, StorageUnavailable

log = structlog.get_logger()

# The PBX tells of one pick-up in several events: judge the other call when all of them are in.
SETTLE_S = 0.5
_ASKED_MAX = 5


def _is_decided(call: PhoneCall) -> bool:
    """Whether the PBX has picked up or fetched by now, or has not: its phone has answered."""
    return not listens(call) and any(x.phase is LegPhase.UP for x in call.legs)


class OtherCalls:
    """To be made once the calls of the last run are live again."""

    def __init__(self, switchboard: Switchboard, hang_up: HangUp, pbx: ActingPbx) -> None:
        self._switchboard = switchboard
        self._hang_up = hang_up
        self._pbx = pbx
        self._acting: defaultdict[str, set[str]] = defaultdict(set)  # by the id of the other call
        self._heard: dict[str, frozenset[str]] = {}  # by the id of the call that listens
        self._asked: dict[str, int] = {}  # by the id of a call that picks up or fetches
        self._checks: dict[str, asyncio.TimerHandle] = {}
        for call in switchboard.calls.live:
            self.note(call)
        switchboard.observe(self._changed)
        switchboard.at_link_up(self._check_all)

    def acting_on(self, other_id: str) -> Iterator[PhoneCall]:
        """The live calls that act on that call."""
        for call_id in list(self._acting.get(other_id, ())):
            call = self._switchboard.calls.live.get(call_id)
            if call is not None:
                yield call

    def note(self, call: PhoneCall) -> None:
        """Follow the other call of this one, if it acts on one, until this one ends."""
        acts_on = call.acts_on
        if acts_on is None:
            return
        if call.final is not None:
            self.forget(call)
            return
        other = self._switchboard.calls.live.find(acts_on.call_id)
        other_id = other.id if other is not None else acts_on.call_id
        if listens(call) and call.answered_ms is not None and call.id not in self._heard:
            self._heard[call.id] = talking_channels(other)
        if call.id not in self._acting.get(other_id, ()) or _is_decided(call):
            self._acting[other_id].add(call.id)
            self._check_soon(other_id)

    def forget(self, call: PhoneCall) -> None:
        """This one has ended, or was never placed."""
        acts_on = call.acts_on
        if acts_on is None:
            return
        self._heard.pop(call.id, None)
        self._asked.pop(call.id, None)
        other = self._switchboard.calls.live.find(acts_on.call_id)
        if other is not None:
            self._forget(other.id, call.id)
        self._forget(acts_on.call_id, call.id)

    def stop(self) -> None:
        """Look at no call any more. The PBX goes on by itself."""
        for timer in self._checks.values():
            timer.cancel()
        self._checks.clear()

    def _changed(self, change: Change) -> None:
        self.note(change.after)
        if change.after.id in self._acting:
            self._check_soon(change.after.id)

    def _forget(self, other_id: str, call_id: str) -> None:
        ids = self._acting.get(other_id)
        if ids is not None:
            ids.discard(call_id)
            if not ids:
                del self._acting[other_id]

    async def _check_all(self) -> None:
        for other_id in list(self._acting):
            self._check_soon(other_id)

    def _check_soon(self, other_id: str) -> None:
        if other_id not in self._checks:
            loop = asyncio.get_running_loop()
            self._checks[other_id] = loop.call_later(SETTLE_S, self._check, other_id)

    def _check(self, other_id: str) -> None:
        self._checks.pop(other_id, None)
        for call in self.acting_on(other_id):
            if call.acts_on is None or call.hang_up is not None:
                continue
            other = self._switchboard.calls.live.find(call.acts_on.call_id)
            if other is not None and other.id != other_id:  # it has joined that
                self._forget(other_id, call.id)
                self.note(call)
            if _is_decided(call):
                self._ask_the_pbx(call, other_id)
            elif not can_act_on(call.acts_on, other):
                self._switchboard.begin(self._end(call))
            elif call.id in self._heard:
                talking = talking_channels(other)
                if not talking <= self._heard[call.id]:
                    self._switchboard.begin(self._listen_again(call))
                self._heard[call.id] = talking

    def _ask_the_pbx(self, call: PhoneCall, other_id: str) -> None:
        """Its phone has answered, and the PBX has not told the outcome.

        If two phones answer in the same moment, the PBX may do the pick-up without telling it. The
        list of channels tells it.
        """
        asked = self._asked.get(call.id, 0)
        if asked < _ASKED_MAX:
            self._asked[call.id] = asked + 1
            self._switchboard.begin(self._switchboard.resync())
            self._check_soon(other_id)

    async def _end(self, call: PhoneCall) -> None:
        try:
            await self._hang_up.hang_up([call], EndedBy.OTHER_CALL)
        except PbxUnavailable:
            return  # looked at again when the link is up
        except (StorageUnavailable, Fenced) as why:
            log.warning("hang_up_not_confirmed", call_id=call.id, why=str(why))

    async def _listen_again(self, call: PhoneCall) -> None:
        """Asterisk's ChanSpy does not hear, and is not heard by, whoever its channel talks to next
        (seen on 22.10.1, after a transfer)."""
        try:
            await self._pbx.listen_again(call.id)
        except NOT_CONFIRMED as why:
            log.warning("listening_not_renewed", call_id=call.id, why=str(why))
