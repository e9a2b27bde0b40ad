"""`status=next` of the Verba API: which call is the next one, and when nobody waits any longer."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bridge.calls.live.change import Change
from bridge.calls.state.phone_call import PhoneCall
from bridge.recordings.conversation import StoredConversation
from bridge.recordings.finder import (
    CallNotFound,
    ClientGone,
    Finder,
    LookUp,
    LookUpLimits,
    SeveralCalls,
)
from bridge.recordings.next_call import NextCalls
from bridge.recordings.selection import Selection
from bridge.recordings.selector_status import SelectorStatus
from tests.lab.instant_time import instant

from .fakes import DIRECTORY, FakeWorld, connected

NEXT = (SelectorStatus.NEXT,)
OR_ONGOING = (SelectorStatus.ONGOING, SelectorStatus.NEXT)
LIMITS = LookUpLimits(tries=1, sleep_ms=0, next_wait_s=5)


class NothingRecorded(FakeWorld):
    async def select(self, selection: Selection, limit: int) -> list[StoredConversation]:
        return []


class Waiter:
    """One who asks for the next call of 211; `live` are the calls that there are already."""

    def __init__(self, *live: PhoneCall) -> None:
        self.live = list(live)
        self.next_calls = NextCalls()
        self.is_there = True
        self.finder = Finder(
            NothingRecorded(), self.next_calls, DIRECTORY, lambda: self.live, LIMITS
        )

    def asks(
        self, status: tuple[SelectorStatus, ...] = NEXT, **more: str
    ) -> asyncio.Task[StoredConversation | PhoneCall]:
        selection = Selection(numbers=frozenset({"0003*211"}), **more)  # type: ignore[arg-type]
        look_up = LookUp(selection, status)
        return asyncio.create_task(self.finder.find(look_up, lambda: self.is_there))

    async def begins(self, call: PhoneCall) -> None:
        await asyncio.sleep(0.1)
        self.live.append(call)
        self.next_calls.changed(Change(None, call, ()))


def call_of(short: str, call_id: str = "b" * 20) -> PhoneCall:
    call = replace(connected(), id=call_id)
    other = replace(call.legs[1], extension=f"0003*{short}", number=f"0003*{short}")
    return replace(call, legs=(call.legs[0], other))


@instant
async def test_the_next_call_is_of_that_number_and_begins_after_the_question() -> None:
    known = call_of("211", "a" * 20)
    waiter = Waiter(known)
    asked = waiter.asks()
    await waiter.begins(known)
    await waiter.begins(call_of("212", "c" * 20))
    await waiter.begins(replace(call_of("211", "d" * 20), recording=False))
    assert not asked.done()
    meant = call_of("211")
    await waiter.begins(meant)
    assert await asked is meant


@instant
async def test_given_no_call_in_time_or_no_client_then_nobody_waits() -> None:
    waiter = Waiter()
    with pytest.raises(CallNotFound):
        await waiter.asks()
    asked = waiter.asks()
    waiter.is_there = False
    with pytest.raises(ClientGone):
        await asked
    await waiter.begins(call_of("211"))


@instant
async def test_given_an_organization_then_a_call_of_another_one_is_not_meant() -> None:
    waiter = Waiter()
    theirs, ours = waiter.asks(organization="0004"), waiter.asks(organization="0003")
    meant = call_of("211")
    await waiter.begins(meant)
    assert await ours is meant
    with pytest.raises(CallNotFound):
        await theirs


@instant
async def test_given_a_call_that_rings_when_the_ongoing_one_will_do_then_it_is_that() -> None:
    rings = call_of("211")
    assert await Waiter(rings).asks(OR_ONGOING) is rings
    with pytest.raises(SeveralCalls):
        await Waiter(rings, call_of("211", "c" * 20)).asks(OR_ONGOING)


@instant
async def test_given_a_question_that_fails_then_the_others_are_answered() -> None:
    next_calls = NextCalls()

    def fail(_: PhoneCall) -> bool:
        raise ValueError("of one who waits")

    with next_calls.expected(fail) as failing, next_calls.expected(lambda _: True) as other:
        next_calls.changed(Change(None, call_of("211"), ()))
        assert (await other).id == "b" * 20
        with pytest.raises(ValueError, match="of one who waits"):
            await failing
        next_calls.changed(Change(None, call_of("211", "c" * 20), ()))
    next_calls.changed(Change(None, call_of("211"), ()))
