"""Runs one flow: starts its phones, then carries out its steps in order, each within its time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from bridge.client import ApiError
from bridge.flows import steps as of
from bridge.flows.flow import Flow, Phone
from bridge.flows.reading import ReadFlow
from bridge.flows.wording import words_of
from bridge.testing.flows.app_steps import NOT_MET, AppSteps
from bridge.testing.flows.phone_steps import PhoneSteps
from bridge.testing.flows.stage import NoSuchPhone, Stage
from bridge.testing.softphones.phone_observer import PhoneError

_FIRST_TONE_HZ, _TONE_DISTANCE_HZ = 400, 130


@dataclass(frozen=True, slots=True)
class StepDone:
    """One step that was carried out, and how long that took."""

    number: int
    words: str
    took_ms: int


class FlowFailed(Exception):
    """`str()` names the step with its line, and what was seen instead."""

    def __init__(self, number: int, line: int, words: str, why: str) -> None:
        place = f"step {number} (line {line}): " if number else ""
        super().__init__(f"{place}{words}: {why}")
        self.number, self.line, self.words, self.why = number, line, words, why


async def run_flow(
    read: ReadFlow, stage: Stage, done: Callable[[StepDone], None] = lambda _: None
) -> None:
    """Raises FlowFailed. `done` is told of each step. The calls of the flow end with it."""
    flow = read.flow
    async with AsyncExitStack() as stack:
        try:
            phones = {
                name: await stack.enter_async_context(_phone(flow, name, phone, stage))
                for name, phone in flow.phones.items()
            }
        except (PhoneError, NoSuchPhone) as why:
            stage.journal.step("the phones of the flow", kind="failed", detail=str(why))
            raise FlowFailed(0, 0, "the phones of the flow", str(why)) from None
        running = _Running(flow, stage, phones)
        try:
            await running.all(read, done)
        finally:
            await running.leave_no_call()


def _phone(flow: Flow, name: str, phone: Phone, stage: Stage) -> Any:
    if phone.refuses_with is not None:
        return stage.refusing_phone(phone.extension, phone.refuses_with)
    return stage.softphone(phone.extension, tone_hz(flow, name))


def tone_hz(flow: Flow, name: str) -> int:
    """The tone that this phone of the flow sends."""
    own = flow.phones[name].tone_hz
    return own or _FIRST_TONE_HZ + _TONE_DISTANCE_HZ * list(flow.phones).index(name)


class _Running:
    def __init__(self, flow: Flow, stage: Stage, phones: Mapping[str, Any]) -> None:
        self._flow = flow
        self._stage = stage
        self._app = AppSteps(stage.api, self._number_of)
        self._phones = {
            name: PhoneSteps(x, self._number_of, lambda y: tone_hz(flow, y))
            for name, x in phones.items()
        }

    async def all(self, read: ReadFlow, done: Callable[[StepDone], None]) -> None:
        for number, (step, line) in enumerate(zip(self._flow.steps, read.lines, strict=True), 1):
            words, began = words_of(step), time.monotonic()
            self._stage.journal.step(words)
            try:
                await self._carry_out(step)
            except (PhoneError, *NOT_MET) as why:
                said = _said(why)
                self._stage.journal.step(words, kind="failed", detail=said)
                raise FlowFailed(number, line, words, said) from None
            done(StepDone(number, words, round((time.monotonic() - began) * 1000)))

    async def leave_no_call(self) -> None:
        """So that the next flow begins with free phones."""
        try:
            await self._app.leave_no_call()
        except NOT_MET:
            return  # there was none, or it has ended

    def _carry_out(self, step: of.AnyStep) -> Awaitable[None]:
        if isinstance(step, of.Waits):
            return asyncio.sleep(step.for_s)  # as the flow says
        of_whom = self._app if step.who == of.APP else self._phones[step.who]
        return of_whom.carry_out(step)

    def _number_of(self, name: str) -> str:
        phone = self._flow.phones.get(name)
        return name if phone is None else phone.extension


def _said(why: Exception) -> str:
    if isinstance(why, ApiError):
        return f"the service answered {why.status} {why.code}: {why.message}"
    return str(why)
