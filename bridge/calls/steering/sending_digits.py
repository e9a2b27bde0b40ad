"""SendDTMF: digits for one party of a live call, one after the other."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from bridge.calls.live.switchboard import Switchboard
from bridge.calls.pbx import PbxRefused
from bridge.calls.state.phone_call import Leg, LegPhase, PhoneCall
from bridge.calls.steering.action_turns import ActionTurns
from bridge.calls.steering.errors import ActionFailed

PAUSE = "w"
PAUSE_S = 0.5
# Phones and gateways take a digit for the one before without a pause between.
_GAP_S = 0.08


class PbxDigits(Protocol):
    """The part of the PBX that sends digits."""

    async def play_digit(
        self, uniqueid: str, digit: str, duration_ms: int, *, pressed: bool
    ) -> None:
        """Send one of `0-9*#A-D` to that channel; with `pressed` take it as sent by that channel.

        Returns once it has been sent. Raises PbxUnavailable, PbxRefused, PbxOutcomeUnknown,
        InvalidPbxValue.
        """


@dataclass(frozen=True, slots=True)
class Digits:
    """`text`: digits `0-9*#A-D`, and `w` for a pause of half a second. `duration_ms` of each.

    `pressed`: as if the party had pressed them, instead of sending them to the party.
    """

    text: str
    duration_ms: int
    pressed: bool


class DigitSender:
    """Two orders for one party are carried out one after the other."""

    def __init__(self, switchboard: Switchboard, pbx: PbxDigits) -> None:
        self._switchboard = switchboard
        self._pbx = pbx
        self._turns = ActionTurns()

    async def send(self, call_id: str, view_id: str, digits: Digits) -> PhoneCall:
        """Returns the call once the last digit has been sent.

        Raises ActionFailed, which says how many were sent, PbxUnavailable, PbxOutcomeUnknown.
        """
        sent = 0
        async with self._turns.of((call_id, view_id)):
            try:
                for at, digit in enumerate(digits.text):
                    if digit == PAUSE:
                        await asyncio.sleep(PAUSE_S)
                        continue
                    await self._send_one(self._party(call_id, view_id, at), digit, digits, at)
                    sent += 1
                    await asyncio.sleep(_GAP_S)
            finally:
                if sent:
                    self._switchboard.timelines.digits_sent(call_id, view_id, sent)
        call = self._switchboard.calls.live.find(call_id)
        if call is None:
            raise ActionFailed("the call has ended with the digits")
        return call

    async def _send_one(self, leg: Leg, digit: str, digits: Digits, sent: int) -> None:
        try:
            await self._pbx.play_digit(
                leg.uniqueid or "", digit, digits.duration_ms, pressed=digits.pressed
            )
        except PbxRefused as why:
            raise ActionFailed(f"{why}, after {sent} of the digits") from why

    def _party(self, call_id: str, view_id: str, sent: int) -> Leg:
        call = self._switchboard.calls.live.find(call_id)
        leg = next((x for x in call.legs if x.view_id == view_id), None) if call else None
        if leg is None or leg.uniqueid is None or leg.handed_over or leg.phase is LegPhase.GONE:
            raise ActionFailed(f"the party is not in the call, after {sent} of the digits")
        if leg.phase is not LegPhase.UP:
            raise ActionFailed("the party has not answered")
        return leg
