"""A phone of the office, as stories talk of it; each thing that it does is told before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bridge.testing.softphones.plain_call import PlainCall
from bridge.testing.softphones.plain_phone import PlainPhone

from .stage import Phone

_LIMIT_S = 10.0
_NEWS_OF_TRANSFER_S = 0.5
_A_MOMENT_S = 0.25
"""Asterisk loses a transfer that comes within milliseconds of the answer: both are hung up."""


class LivePhone:
    def __init__(self, phone: PlainPhone, says: Callable[[str], None]) -> None:
        self.number = phone.user
        self.phone = phone
        self._says = says

    async def dials(self, number: str) -> None:
        self._says(f"{self.number} dials {number}")
        await self.phone.dial(number)

    async def is_answered(self) -> None:
        call = next(x for x in reversed(self.phone.calls) if not x.incoming)
        async with asyncio.timeout(_LIMIT_S):
            await call.answered.wait()

    async def rings(self) -> None:
        await self.phone.ringing()

    async def picks_up(self) -> None:
        call = await self.phone.ringing()
        self._says(f"{self.number} picks up")
        await call.accept()

    async def refuses(self, status: int = 486) -> None:
        call = await self.phone.ringing()
        self._says(f"{self.number} refuses with {status}")
        call.refuse(status)

    def refuses_all(self, status: int = 486) -> None:
        self.phone.refuses_with = status

    def answers_all(self, after_s: float = 0.0) -> None:
        self.phone.answers_after_s = after_s

    async def hangs_up(self) -> None:
        self._says(f"{self.number} hangs up")
        await self.live_calls()[-1].hang_up()

    async def hangs_up_first(self) -> None:
        self._says(f"{self.number} hangs up its first call")
        await self.live_calls()[0].hang_up()

    async def is_free(self) -> None:
        await self.phone.free(_LIMIT_S)

    async def presses(self, digits: str) -> None:
        self._says(f"{self.number} presses {digits}")
        await self.phone.press(digits, self.live_calls()[-1])

    async def transfers_to(self, number: str) -> None:
        await asyncio.sleep(_A_MOMENT_S)  # as a person does
        self._says(f"{self.number} transfers to {number}")
        call = self.live_calls()[-1]
        status = await call.refer(number)
        assert status == 202, status
        await _transferred(call)

    async def connects_both(self) -> None:
        await asyncio.sleep(_A_MOMENT_S)  # as a person does
        first, second = self.live_calls()
        self._says(f"{self.number} connects its two calls")
        status = await first.refer_to(second)
        assert status == 202, status
        await _transferred(first)
        if not second.answered.is_set():
            await second.hang_up()  # it rings on there for somebody else

    async def takes_over(self, other: Phone, number: str) -> None:
        assert isinstance(other, LivePhone)
        theirs = other.live_calls()[-1]
        early = ";early-only" if theirs.waits else ""
        self._says(f"{self.number} takes the call of {other.number} over")
        await self.phone.dial(number, f"Replaces: {theirs.replaces}{early}\r\n")

    async def holds(self) -> None:
        self._says(f"{self.number} holds")
        await self.live_calls()[-1].hold()

    async def resumes(self) -> None:
        self._says(f"{self.number} resumes")
        await self.live_calls()[-1].hold(resumed=True)

    def live_calls(self) -> list[PlainCall]:
        return [x for x in self.phone.calls if not x.over.is_set()]


async def _transferred(call: PlainCall) -> None:
    """As a phone does: it hangs up once it is told how the transfer came out, or soon anyway."""
    waits = [asyncio.create_task(x.wait()) for x in (call.transferred, call.over)]
    try:
        await asyncio.wait(waits, timeout=_NEWS_OF_TRANSFER_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waits:
            task.cancel()
    await call.hang_up()
