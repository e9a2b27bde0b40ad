"""The steps of one phone of a flow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar

from bridge.flows.steps import (
    AppHangsUp,
    HearsTone,
    PhoneAnswers,
    PhoneDials,
    PhoneHolds,
    PhoneJoins,
    PhonePresses,
    PhoneTransfers,
    SeesCall,
    SeesRefusal,
    Step,
)
from bridge.testing.flows.app_steps import NotAsExpected
from bridge.testing.flows.stage import AnyPhone
from bridge.testing.softphones.dialog_log import Dialog
from bridge.testing.softphones.softphone import Softphone


class PhoneSteps:
    """`tone_of` gives the Hz of the tone that a phone of the flow sends."""

    def __init__(
        self,
        phone: AnyPhone,
        number_of: Callable[[str], str],
        tone_of: Callable[[str], int],
    ) -> None:
        self._phone = phone
        self._number_of = number_of
        self._tone_of = tone_of

    async def carry_out(self, step: Step) -> None:
        """Raises NotAsExpected, PhoneError."""
        await self._METHODS[type(step)](self, step)

    async def answer(self, _: PhoneAnswers) -> None:
        """Pick up."""
        await self._softphone.accept()

    async def hang_up(self, _: AppHangsUp) -> None:
        """End the newest call; one that rings is refused with 486."""
        await self._softphone.hangup()

    async def dial(self, step: PhoneDials) -> None:
        """Returns once the INVITE is sent."""
        await self._softphone.dial(self._number_of(step.number))

    async def hold(self, step: PhoneHolds) -> None:
        """Returns once the other side has agreed."""
        if step.does == "hold":
            await self._softphone.hold()
        else:
            await self._softphone.resume()

    async def press(self, step: PhonePresses) -> None:
        """Send digits."""
        await self._softphone.send_dtmf(step.digits)

    async def transfer(self, step: PhoneTransfers) -> None:
        """Blind: returns once the transfer is taken on, or more."""
        await self._softphone.transfer(self._number_of(step.to))

    async def attended_transfer(self, _: PhoneJoins) -> None:
        """Join the two calls that live."""
        live = [x for x in self._softphone.log.dialogs if not x.closed]
        if len(live) != 2:
            raise NotAsExpected(f"the phone has {len(live)} calls, and not two")
        await self._softphone.attended_transfer(live[0], live[1])

    async def sees(self, step: SeesCall) -> None:
        """It rings, talks, or has no call."""
        if step.expects == "ringing":
            _check_caller(await self._phone.wait_ringing(step.within_s), step.caller)
        elif step.expects == "talking":
            await self._phone.wait_established(step.within_s)
        else:
            for call in [x for x in self._phone.log.dialogs if not x.closed]:
                await self._phone.wait_closed(step.within_s, call=call)

    async def hears(self, step: HearsTone) -> None:
        """The tone within the time."""
        hz = step.hz if step.of is None else self._tone_of(step.of)
        assert hz is not None
        await self._softphone.wait_tone(hz, step.within_s)

    async def sees_refusal(self, step: SeesRefusal) -> None:
        """Its own call ends with that status."""
        call = await self._phone.wait_closed(step.within_s)
        if not call.close_reason.startswith(f"{step.code} "):
            raise NotAsExpected(f"the call ended with: {call.close_reason}")

    _METHODS: ClassVar[Mapping[type[Step], Callable[..., Awaitable[None]]]] = {
        PhoneAnswers: answer,
        AppHangsUp: hang_up,
        PhoneDials: dial,
        PhoneHolds: hold,
        PhonePresses: press,
        PhoneTransfers: transfer,
        PhoneJoins: attended_transfer,
        SeesCall: sees,
        HearsTone: hears,
        SeesRefusal: sees_refusal,
    }

    @property
    def _softphone(self) -> Softphone:
        if not isinstance(self._phone, Softphone):
            raise NotAsExpected("a phone with refuses_with only refuses")
        return self._phone


def _check_caller(call: Dialog, caller: str | None) -> None:
    shown = (call.caller_number, call.caller_name)
    if caller is not None and caller not in shown:
        raise NotAsExpected(f"the phone shows {' '.join(x for x in shown if x)!r}")
