"""The table of docs/phone-call-events.md, each row with real phones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio

from bridge.local_asterisk.local import LocalAsterisk
from tests.lab.api_client import ApiClient
from tests.lab.running_lab import RunningLab
from tests.softphones.sipp_behaviour import SippBehaviour, refers, refuses, rings
from tests.softphones.softphone import AnswerPolicy, Softphone

from .all_events import AllEvents
from .conftest import EXTENSIONS
from .receiver import Receiver

pytestmark = pytest.mark.asyncio(loop_scope="session")

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

    async def came_in(self, number: str, does: str = "silent") -> str:
        known = await self.ended_calls()
        await self.lab.asterisk.call_in(number, caller_number="3235550100", does=does)
        return await self.new_call(known)

    async def ended_calls(self) -> set[str]:
        return {x["id"] for x in await self.api.calls(ended="true", count="5000")}

    async def new_call(self, known: set[str]) -> str:
        async with asyncio.timeout(15):
            while True:
                found = [*await self.api.calls(), *await self.api.calls(ended="true", count="5000")]
                new = {x["id"] for x in found} - known
                if new:
                    return str(new.pop())
                await asyncio.sleep(0.02)


Situation = Callable[[Stage], Awaitable[str]]
SITUATIONS: dict[str, tuple[Situation, dict[str, list[str]]]] = {}


def row(name: str, **told: list[str]) -> Callable[[Situation], Situation]:
    """`told`: by short number with a leading underscore."""

    def add(situation: Situation) -> Situation:
        SITUATIONS[name] = situation, {x.removeprefix("_"): sorted(y) for x, y in told.items()}
        return situation

    return add


@row("API: answered", _210=CALLER, _211=CALLED)
async def api_answered(stage: Stage) -> str:
    await stage.phone("210")
    await stage.phone("211")
    call_id = await stage.api.place(["210"], ["211"])
    await stage.api.wait_status(call_id, 5)
    await stage.api.hang_up("210", call_id)
    return call_id


@row("API: source busy", _210=calling("BUSY"))
async def api_source_busy(stage: Stage) -> str:
    await stage.scripted("210", refuses(486, "Busy Here"))
    await stage.phone("211")
    return await stage.api.place(["210"], ["211"])


@row("API: source rejects", _210=calling("BUSY"))
async def api_source_rejects(stage: Stage) -> str:
    await stage.scripted("210", refuses(603, "Decline", ring_ms=200))
    return await stage.api.place(["210"], ["3235550200"])


@row("API: source does not answer", _210=calling("NOANSWER"))
async def api_source_not_answered(stage: Stage) -> str:
    await stage.scripted("210", rings())
    return await stage.api.place(["210"], ["3235550200"], waitForPickup="1")


@row("API: cancelled while the source rings", _210=calling("CANCEL"))
async def api_source_cancelled(stage: Stage) -> str:
    await stage.scripted("210", rings())
    call_id = await stage.api.place(["210"], ["3235550200"])
    await stage.api.wait_status(call_id, 3)
    await stage.api.hang_up("210", call_id)
    return call_id


@row("API: destination busy", _210=calling("BUSY"), _211=called("BUSY"))
async def api_destination_busy(stage: Stage) -> str:
    await stage.phone("210")
    await stage.scripted("211", refuses(486, "Busy Here"))
    return await stage.api.place(["210"], ["211"])


@row("API: destination rejects", _210=calling("BUSY"), _211=called("BUSY"))
async def api_destination_rejects(stage: Stage) -> str:
    await stage.phone("210")
    await stage.scripted("211", refuses(603, "Decline", ring_ms=200))
    return await stage.api.place(["210"], ["211"])


@row("API: destination does not answer", _210=calling("NOANSWER"), _211=called("NOANSWER"))
async def api_destination_not_answered(stage: Stage) -> str:
    await stage.phone("210")
    await stage.scripted("211", rings())
    return await stage.api.place(["210"], ["211"])


@row("API: cancelled while the destination rings", _210=calling("CANCEL"), _211=called("CANCEL"))
async def api_destination_cancelled(stage: Stage) -> str:
    await stage.phone("210")
    await stage.scripted("211", rings())
    call_id = await stage.api.place(["210"], ["211"])
    await stage.api.wait_status(call_id, 4)
    await stage.api.hang_up("210", call_id)
    return call_id


@row(
    "API: source hangs up while the destination rings",
    _210=calling("CANCEL"),
    _211=called("CANCEL"),
)
async def api_source_gives_up(stage: Stage) -> str:
    alice = await stage.phone("210")
    await stage.scripted("211", rings())
    call_id = await stage.api.place(["210"], ["211"])
    await stage.api.wait_status(call_id, 4)
    await alice.hangup()
    return call_id


@row("API: destination congested", _210=calling("CONGESTION"))
async def api_congested(stage: Stage) -> str:
    await stage.phone("210")
    return await stage.api.place(["210"], ["3235550503"])


@row("API: destination does not exist", _210=calling("CHANUNAVAIL"))
async def api_no_such_number(stage: Stage) -> str:
    await stage.phone("210")
    return await stage.api.place(["210"], ["3235550404"])


@row("API: destination's phone is not there", _210=calling("CHANUNAVAIL"))
async def api_unavailable(stage: Stage) -> str:
    await stage.phone("210")
    return await stage.api.place(["210"], ["211"])


@row("API: one of several sources answers", _210=CALLER, _213=calling("CANCEL"), _211=CALLED)
async def api_one_of_several(stage: Stage) -> str:
    alice = await stage.phone("210", "manual")
    dave = await stage.scripted("213", rings())
    await stage.phone("211")
    call_id = await stage.api.place(["210", "213"], ["211"], extension="210")
    await alice.wait_ringing()
    await dave.wait_ringing()
    await alice.accept()
    await stage.api.wait_status(call_id, 5)
    await stage.api.hang_up("210", call_id)
    return call_id


@row(
    "API: of several sources one refuses and one answers",
    _210=CALLER,
    _213=calling("BUSY"),
    _211=CALLED,
)
async def api_one_refuses(stage: Stage) -> str:
    alice = await stage.phone("210", "manual")
    dave = await stage.scripted("213", refuses(486, "Busy Here", ring_ms=100))
    await stage.phone("211")
    call_id = await stage.api.place(["210", "213"], ["211"], extension="210")
    await dave.wait_closed()
    await alice.wait_ringing()
    await alice.accept()
    await stage.api.wait_status(call_id, 5)
    await stage.api.hang_up("210", call_id)
    return call_id


@row("API: none of several sources answers", _210=calling("NOANSWER"), _213=calling("NOANSWER"))
async def api_none_of_several(stage: Stage) -> str:
    await stage.scripted("210", rings())
    await stage.scripted("213", rings())
    return await stage.api.place(["210", "213"], ["3235550200"], extension="210", waitForPickup="1")


@row(
    "API: one of several destinations answers",
    _210=CALLER,
    _211=CALLED,
    _212=called("CANCEL"),
    _213=called("BUSY"),
)
async def api_several_destinations(stage: Stage) -> str:
    await stage.phone("210")
    bob, carol = await stage.phone("211", "manual"), await stage.scripted("212", rings())
    dave = await stage.scripted("213", refuses(486, "Busy Here"))
    call_id = await stage.api.place(["210"], ["211", "212", "213"])
    await dave.wait_closed()
    await carol.wait_ringing()
    await bob.wait_ringing()
    await bob.accept()
    await stage.api.wait_status(call_id, 5)
    await stage.api.hang_up("210", call_id)
    return call_id


@row("API: paid by a third extension", _210=CALLER, _211=CALLED, _212=CALLER)
async def api_payer(stage: Stage) -> str:
    await stage.phone("210")
    await stage.phone("211")
    call_id = await stage.api.place(["210"], ["211"], extension="212")
    await stage.api.wait_status(call_id, 5)
    await stage.api.hang_up("212", call_id)
    return call_id


@row("API: between public numbers, not answered", _212=calling("NOANSWER"))
async def api_public_source(stage: Stage) -> str:
    return await stage.api.place(["3235550180"], ["3235550200"], extension="212", waitForPickup="1")


@row("phone: answered", _210=CALLER, _211=CALLED)
async def phone_answered(stage: Stage) -> str:
    alice, bob = await stage.phone("210"), await stage.phone("211")
    call_id = await stage.dialled(alice, "211")
    await alice.wait_established()
    await bob.wait_established()
    await alice.hangup()
    return call_id


@row("phone: busy", _210=calling("BUSY"), _211=called("BUSY"))
async def phone_busy(stage: Stage) -> str:
    await stage.scripted("211", refuses(486, "Busy Here"))
    return await stage.dialled(await stage.phone("210"), "211")


@row("phone: rejected", _210=calling("BUSY"), _211=called("BUSY"))
async def phone_rejected(stage: Stage) -> str:
    await stage.scripted("211", refuses(603, "Decline", ring_ms=200))
    return await stage.dialled(await stage.phone("210"), "211")


@row("phone: not answered", _210=calling("NOANSWER"), _211=called("NOANSWER"))
async def phone_not_answered(stage: Stage) -> str:
    await stage.scripted("211", rings())
    asterisk = stage.lab.asterisk
    assert isinstance(asterisk, LocalAsterisk)
    console = asterisk.pbx.console
    await console("dialplan set global PHONE_RING_S 1")
    try:
        alice = await stage.phone("210")
        call_id = await stage.dialled(alice, "211")
        await alice.wait_closed()
    finally:
        await console("dialplan set global PHONE_RING_S 60")
    return call_id


@row("phone: cancelled", _210=calling("CANCEL"), _211=called("CANCEL"))
async def phone_cancelled(stage: Stage) -> str:
    alice, bob = await stage.phone("210"), await stage.scripted("211", rings())
    call_id = await stage.dialled(alice, "211")
    await bob.wait_ringing()
    await alice.hangup()
    return call_id


@row("phone: congested", _210=calling("CONGESTION"))
async def phone_congested(stage: Stage) -> str:
    return await stage.dialled(await stage.phone("210"), "3235550503")


@row("phone: unavailable", _210=calling("CHANUNAVAIL"))
async def phone_unavailable(stage: Stage) -> str:
    return await stage.dialled(await stage.phone("210"), "211")


@row("trunk: answered", _211=CALLED)
async def trunk_answered(stage: Stage) -> str:
    bob = await stage.phone("211")
    call_id = await stage.came_in("5550003211")
    await bob.wait_established()
    await bob.hangup()
    return call_id


@row("trunk: busy", _211=called("BUSY"))
async def trunk_busy(stage: Stage) -> str:
    await stage.scripted("211", refuses(486, "Busy Here"))
    return await stage.came_in("5550003211")


@row("trunk: cancelled", _211=called("CANCEL"))
async def trunk_cancelled(stage: Stage) -> str:
    bob = await stage.scripted("211", rings())
    call_id = await stage.came_in("5550003211")
    await bob.wait_ringing()
    await stage.lab.asterisk.hang_up_public_network()
    return call_id


@row("trunk: to a queue, answered by an agent", _300=CALLED, _211=CALLED)
async def trunk_to_queue(stage: Stage) -> str:
    bob = await stage.phone("211")
    call_id = await stage.came_in("5550003300")
    await bob.wait_established()
    await bob.hangup()
    return call_id


@row("trunk: to a queue, given up", _300=CALLED, _211=called("CANCEL"))
async def trunk_to_queue_given_up(stage: Stage) -> str:
    bob = await stage.scripted("211", rings())
    call_id = await stage.came_in("5550003300")
    await bob.wait_ringing()
    await stage.lab.asterisk.hang_up_public_network()
    return call_id


@row("phone: to an IVR", _210=CALLER, _400=CALLED)
async def phone_to_ivr(stage: Stage) -> str:
    alice = await stage.phone("210")
    call_id = await stage.dialled(alice, "400")
    await alice.wait_established()
    await stage.api.wait_call(call_id, lambda call: "answered" in call)
    await alice.hangup()
    return call_id


@row("API: to a conference", _210=CALLER, _500=CALLED)
async def api_to_conference(stage: Stage) -> str:
    await stage.phone("210")
    call_id = await stage.api.place(["210"], ["500"])
    await stage.api.wait_status(call_id, 5)
    await stage.api.hang_up("210", call_id)
    return call_id


@row("blind transfer by the calling phone", _210=CALLER, _211=CALLED, _212=CALLED)
async def blind_transfer_by_caller(stage: Stage) -> str:
    alice, bob = await stage.phone("210"), await stage.phone("211")
    carol = await stage.phone("212")
    call_id = await stage.dialled(alice, "211")
    await alice.wait_established()
    await alice.transfer("0003*212")
    await carol.wait_established()
    await bob.hangup()
    return call_id


@row("blind transfer by the called phone", _210=CALLER, _211=CALLED, _212=CALLED)
async def blind_transfer(stage: Stage) -> str:
    alice, carol = await stage.phone("210"), await stage.phone("212")
    await stage.scripted("211", refers("0003*212", refer_after_ms=300))
    call_id = await stage.dialled(alice, "211")
    await carol.wait_established()
    await alice.hangup()
    return call_id


@row("blind transfer, not taken", _210=CALLER, _211=CALLED, _212=called("BUSY"))
async def blind_transfer_refused(stage: Stage) -> str:
    alice = await stage.phone("210")
    await stage.scripted("212", refuses(486, "Busy Here", ring_ms=100))
    await stage.scripted("211", refers("0003*212", refer_after_ms=300, talk_ms=500))
    return await stage.dialled(alice, "211")


@pytest_asyncio.fixture(loop_scope="session")
async def events(api: ApiClient, receiver: Receiver) -> AsyncIterator[AllEvents]:
    events = AllEvents(api, receiver, EXTENSIONS)
    await events.subscribe()
    yield events


@pytest.mark.parametrize("name", SITUATIONS)
async def test_given_all_subscriptions_when_call_is_over_then_each_was_told_what_the_table_says(
    lab: RunningLab, api: ApiClient, events: AllEvents, name: str
) -> None:
    situation, expected = SITUATIONS[name]
    async with AsyncExitStack() as stack:
        call_id = await situation(Stage(lab, api, stack))
        await api.wait_ended(call_id, 20)
        assert await events.told(call_id) == expected


async def test_given_attended_transfer_when_both_calls_are_over_then_each_of_them_was_told_of(
    lab: RunningLab, api: ApiClient, events: AllEvents
) -> None:
    async with AsyncExitStack() as stack:
        stage = Stage(lab, api, stack)
        alice, bob = await stage.phone("210"), await stage.phone("211")
        carol = await stage.phone("212")
        call_id = await stage.dialled(alice, "211")
        await alice.wait_established()
        first = bob.current
        assert first is not None
        second = await bob.dial("212")
        await carol.wait_established()
        consultation_id = await stage.new_call({call_id} | await stage.ended_calls())
        await bob.attended_transfer(first, second)
        await api.wait_ended(consultation_id)
        await alice.hangup()
        await api.wait_ended(call_id)
    # Carol was dialled in the second call, and hangs up in the first one.
    assert await events.told(consultation_id) == {"211": CALLER, "212": CALLED}
    assert await events.told(call_id) == {
        "210": CALLER,
        "211": CALLED,
        "212": ["hang-up ANSWER"],
    }
