"""`uapi-bridge call`: Ctrl-C hangs up what was placed, at every moment."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, cast

from bridge.client import PhoneCall, UapiClient
from bridge.command.remote import commands
from bridge.testing.eventually import eventually


class SlowService:
    """In the place of a client: the service answers a create when `answers` is set."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.asked = self.streamed = False
        self.hung_up: list[str] = []

    async def create_call(self, *_: object, **__: object) -> PhoneCall:
        self.asked = True
        await self.answers.wait()
        return PhoneCall.of({"id": "c1"})

    async def stream(self) -> Any:
        self.streamed = True
        await asyncio.Event().wait()
        yield

    async def hang_up(self, _: str, call_id: str) -> list[str]:
        self.hung_up.append(call_id)
        return [call_id]


async def interrupted(*, after_the_answer: bool) -> SlowService:
    service = SlowService()
    work = commands.call.__wrapped__("210", "211")  # type: ignore[attr-defined]
    running = asyncio.ensure_future(work(cast("UapiClient", service)))
    await eventually(lambda: service.asked)
    if after_the_answer:
        service.answers.set()
        await eventually(lambda: service.streamed)
    running.cancel()  # as asyncio.run does at Ctrl-C
    await asyncio.sleep(0)
    service.answers.set()
    with suppress(asyncio.CancelledError):
        await running
    assert running.cancelled()
    return service


async def test_given_a_create_without_an_answer_yet_when_interrupted_then_it_is_hung_up() -> None:
    assert (await interrupted(after_the_answer=False)).hung_up == ["c1"]


async def test_given_a_followed_call_when_interrupted_then_it_is_hung_up() -> None:
    assert (await interrupted(after_the_answer=True)).hung_up == ["c1"]
