"""A situation of a call: what the phones do in it, and what each extension is then told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from bridge.local_asterisk.local_asterisk import LocalAsterisk
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import SippBehaviour
from bridge.testing.softphones.softphone import AnswerPolicy, Softphone

CALLER = ["answer outgoing ANSWER", "dial-out CALLING", "hang-up ANSWER"]
CALLED = ["answer incoming ANSWER", "dial-in CALLING", "hang-up ANSWER"]


def called(status: str) -> list[str]:
    return ["dial-in CALLING", f"hang-up {status}"]


def calling(status: str) -> list[str]:
    return ["dial-out CALLING", f"hang-up {status}"]


class Stage:
    """The phones of one test and the calls they make."""

    def __init__(self, lab: RunningLab, api: ApiClient, stack: AsyncExitStack) -> None:
        self.lab = lab
        self.api = api
        self._stack = stack

    async def phone(self, short: str, answer: AnswerPolicy = "auto") -> Softphone:
        return await self._stack.enter_async_context(self.lab.phone(f"0003*{short}", answer=answer))

    async def scripted(self, short: str, behaviour: SippBehaviour) -> Any:
        return await self._stack.enter_async_context(self.lab.scripted(f"0003*{short}", behaviour))

    async def dialled(self, caller: Softphone, number: str) -> str:
        """A phone dials; the id of that call, which may be over already."""
        known = await self.ended_calls()
        await caller.dial(number)
        return await self.new_call(known)

    async def talked(self, call_id: str, payer: str = "210") -> str:
        """The app that placed the call hangs up once both sides talk."""
        await self.api.wait_status(call_id, 5)
        await self.api.hang_up(payer, call_id)
        return call_id

    async def transferred(self, call_id: str, status: int) -> None:
        """The app has 0003*210 transfer the other party to 0003*212, with that outcome."""
        body = {"action": "Transfer", "sendCallTo": "0003*212", "transferFromNumber": "0003*210"}
        answer = await self.api.request("PUT", f"/uapi/phoneCalls/@me/@self/{call_id}", body=body)
        assert answer.status == status, answer.text

    async def came_in(self, number: str, does: str = "silent") -> str:
        known = await self.ended_calls()
        await self.lab.asterisk.call_in(number, caller_number="3235550100", does=does)
        return await self.new_call(known)

    @asynccontextmanager
    async def ringing_at_most_1_s(self) -> AsyncIterator[None]:
        """Calls that phones and the trunk make."""
        asterisk = self.lab.asterisk
        assert isinstance(asterisk, LocalAsterisk)
        await asterisk.pbx.console("dialplan set global PHONE_RING_S 1")
        try:
            yield
        finally:
            await asterisk.pbx.console("dialplan set global PHONE_RING_S 60")

    async def ended_calls(self) -> set[str]:
        return {x["id"] for x in await self.api.ended_calls()}

    async def new_call(self, known: set[str]) -> str:

        async def new() -> set[str]:
            found = [*await self.api.calls(), *await self.api.ended_calls()]
            return {str(x["id"]) for x in found} - known

        return (await eventually(new, timeout=15)).pop()


Situation = Callable[[Stage], Awaitable[str]]


class Situations(dict[str, tuple[Situation, dict[str, list[str]]]]):
    """By name: what happens, which returns the id of the call, and what each extension is told."""

    def row(self, name: str, **told: list[str]) -> Callable[[Situation], Situation]:
        """`told`: by short number with a leading underscore."""

        def add(situation: Situation) -> Situation:
            self[name] = situation, {x.removeprefix("_"): sorted(y) for x, y in told.items()}
            return situation

        return add
