"""The outcome of a transfer by the API: the target has the party, or it is back, or the call ended.

The changes of the call say when to look; the PBX says how far it is then.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable
from dataclasses import dataclass

from bridge.calls.live.change import Change
from bridge.calls.live.channel_hang_ups import NOT_CONFIRMED
from bridge.calls.live.switchboard import Switchboard
from bridge.calls.pbx import PbxOutcomeUnknown, PbxUnavailable
from bridge.calls.state.api_transfer import dialled_since
from bridge.calls.state.hangup_causes import NO_ANSWER, OF_CAUSE
from bridge.calls.state.phone_call import Leg, LegPhase, PhoneCall
from bridge.calls.steering.errors import ActionFailed
from bridge.calls.steering.transfer_pbx import PbxTransfers, TransferStage

# The PBX goes on by itself, and each forward of the target may ring for as long as the target.
_RINGS_MAX, _MARGIN_S = 4, 10.0
_MAILBOX_S = 10.0


@dataclass(frozen=True, slots=True)
class BegunTransfer:
    """`before`: the call before it. `transferer` leaves, `kept` goes to the target. `leaving`: the
    uniqueid of the channel that `kept` talks to, of the transferer or leading to it."""

    before: PhoneCall
    transferer: Leg
    kept: Leg
    leaving: str


class TransferOutcome:
    """Of one transfer. One of its methods must be awaited."""

    def __init__(self, outcomes: TransferOutcomes, begun: BegunTransfer) -> None:
        self._outcomes = outcomes
        self._begun = begun
        self._news = asyncio.Event()
        self.call_id = begun.before.id
        self.latest = begun.before
        self._stage: TransferStage | None = None
        self._looked_at: object = None

    def note(self, call: PhoneCall) -> None:
        """The call has changed."""
        self.latest = call
        self._news.set()

    async def of_target(self, target: str, wait_s: int) -> PhoneCall:
        """The call once somebody has the party who is not the transferer.

        Raises ActionFailed, PbxOutcomeUnknown.
        """
        limit_s = _RINGS_MAX * wait_s + _MARGIN_S
        return await self._within(limit_s, f"{target} still rings", self._target(target, wait_s))

    async def of_mailbox(self, mailbox: str) -> PhoneCall:
        """The call once the mailbox has the party. Raises as `of_target`."""
        why = f"there is no news of the mailbox of {mailbox}"
        return await self._within(_MAILBOX_S, why, self._mailbox())

    async def _within(self, limit_s: float, why: str, end: Awaitable[PhoneCall]) -> PhoneCall:
        try:
            async with asyncio.timeout(limit_s):
                return await end
        except (TimeoutError, PbxUnavailable):
            raise PbxOutcomeUnknown(why) from None
        finally:
            self._outcomes.forget(self)

    async def _mailbox(self) -> PhoneCall:
        while not self._taken():
            self._require_done()
            if self.latest.final is not None:
                raise ActionFailed(self._who_ended())
            await self._next()
        return self.latest

    async def _target(self, target: str, wait_s: int) -> PhoneCall:
        while True:
            call = self.latest
            if call.final is not None:
                joined = self._outcomes.joined(call.id)
                if joined is not None or self._had_it():
                    return joined or call
                raise ActionFailed(self._why_ended(target, wait_s))
            if self._taken():
                return call
            self._require_done()
            if await self._has_answered():
                return await self._answered(target, wait_s)
            await self._next()

    def _require_done(self) -> None:
        """Raises ActionFailed if the PBX was asked over a link that broke, and has not done it."""
        call, view_id = self.latest, self._begun.transferer.view_id
        if call is self._begun.before or call.final is not None:
            return
        if any(x.view_id == view_id and not x.handed_over for x in call.legs):
            raise ActionFailed("the PBX did not do it, and nothing has changed")

    def _taken(self) -> bool:
        call = self.latest
        return call.mailbox is not None and call.taken_ms != self._begun.before.taken_ms

    async def _has_answered(self) -> bool:
        """Whether somebody has, after the PBX was asked what it does where that may be new."""
        dialled = dialled_since(self.latest, self._begun.before)
        progress = [(x.view_id, x.phase is LegPhase.UP) for x in dialled]
        if progress != self._looked_at:
            self._looked_at = progress
            found = await self._outcomes.pbx.stage(self._begun.kept.uniqueid or "")
            self._stage = found or self._stage
        return self._stage is not None and any(up for _, up in progress)

    def _had_it(self) -> bool:
        """Whether somebody had the party before the call ended, and not on its way back."""
        answered = any(
            x.answered_ms is not None for x in dialled_since(self.latest, self._begun.before)
        )
        return answered and self._way_back() is None

    def _way_back(self) -> TransferStage | None:
        """The stage if the party went back; also where the PBX could be asked no more, because all
        of it was over at once: who transferred was dialled again."""
        if self._stage is not None and self._stage.back:
            return self._stage
        dialled = dialled_since(self.latest, self._begun.before)
        others = [x for x in dialled if x.number != self._begun.transferer.number]
        if len(others) == len(dialled):
            return None
        return TransferStage(back=True, cause=next((x.cause for x in others if x.cause), 0))

    async def _answered(self, target: str, wait_s: int) -> PhoneCall:
        if self._stage is not None and self._stage.back:
            kept, back = self._begun.kept.number, self._begun.transferer.number
            why = _why_not(target, self._stage.cause, wait_s)
            raise ActionFailed(f"{why}, and {kept} talks to {back} again")
        with contextlib.suppress(*NOT_CONFIRMED):  # of a party that is gone, nothing counts anyway
            await self._outcomes.pbx.concluded(self._begun.kept.uniqueid or "")
        return self.latest

    async def _next(self) -> None:
        await self._news.wait()
        self._news.clear()

    def _why_ended(self, target: str, wait_s: int) -> str:
        stage = self._way_back()
        if stage is None or self._somebody_ended_it():
            return self._who_ended()
        why = _why_not(target, stage.cause, wait_s)
        return (
            f"{why}, {self._begun.transferer.number} did not take it back, and the call has ended"
        )

    def _somebody_ended_it(self) -> bool:
        call = self.latest
        return call.hang_up is not None or call.first_to_hang_up is not None

    def _who_ended(self) -> str:
        if self.latest.hang_up is not None:
            return "the call was hung up"
        if self._somebody_ended_it():
            return f"{self._begun.kept.number} hung up"
        return "the call has ended"


def _why_not(target: str, cause: int, wait_s: int) -> str:
    if cause == NO_ANSWER:
        return f"{target} did not answer within {wait_s} s"
    _, reason = OF_CAUSE.get(cause, (None, "failed"))
    return f"{target} is busy" if reason == "busy" else f"{target} did not take it ({reason})"


class TransferOutcomes:
    """Tells each outcome that is waited for of the changes of its call."""

    def __init__(self, switchboard: Switchboard, pbx: PbxTransfers) -> None:
        self._switchboard = switchboard
        self.pbx = pbx
        self._waiting: defaultdict[str, set[TransferOutcome]] = defaultdict(set)
        switchboard.observe(self._changed)

    def of(self, begun: BegunTransfer) -> TransferOutcome:
        """The outcome of a transfer that is about to be sent."""
        outcome = TransferOutcome(self, begun)
        self._waiting[outcome.call_id].add(outcome)
        return outcome

    def forget(self, outcome: TransferOutcome) -> None:
        """Nobody waits for it any more."""
        waiting = self._waiting[outcome.call_id]
        waiting.discard(outcome)
        if not waiting:
            del self._waiting[outcome.call_id]

    def joined(self, call_id: str) -> PhoneCall | None:
        """The live call that this one, which has ended, has become a part of."""
        return self._switchboard.calls.live.find(call_id)

    def _changed(self, change: Change) -> None:
        for outcome in self._waiting.get(change.after.id, ()):
            outcome.note(change.after)
