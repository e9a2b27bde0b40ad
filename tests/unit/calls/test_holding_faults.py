"""OnHold and OffHold where the PBX refuses or does not answer, or where nobody can be held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bridge.calls.pbx import PbxOutcomeUnknown, PbxRefused
from bridge.calls.state import pbx_events as ev
from bridge.calls.state.phone_call import (
    ApiHold,
    CallChannel,
    EndedBy,
    HangUpMark,
    LegPhase,
    PhoneCall,
)
from bridge.calls.steering.action_turns import ActionTurns
from bridge.calls.steering.errors import ActionFailed, ActionUnavailable
from bridge.calls.steering.holding import Holding

from .fakes import CALL_ID, Exchange, accepted

ALICE, BOB = "1.1", "1.2"


class FakeHolds:
    """`fails`: what each action raises. `lacks`: a part that the PBX does not have."""

    def __init__(self) -> None:
        self.diary: list[str] = []
        self.fails: Exception | None = None
        self.lacks = ""
        self.next_to: str | None = ALICE

    async def require(self, contexts: Sequence[str], modules: Sequence[str]) -> None:
        if self.lacks:
            raise ActionUnavailable(self.lacks)

    async def neighbour(self, uniqueid: str) -> str | None:
        return self.next_to

    async def take_apart(self, held: str, waiting: str) -> None:
        self._do(f"apart {held} {waiting}")

    async def connect(self, one: str, other: str) -> None:
        self._do(f"connect {one} {other}")

    def _do(self, what: str) -> None:
        self.diary.append(what)
        if self.fails is not None:
            raise self.fails


class Talk:
    """210 and 211 talk; `changed` may change the call, and each of its legs."""

    def __init__(self, changed: Callable[[PhoneCall], PhoneCall] = lambda x: x) -> None:
        self.exchange = Exchange()
        self.pbx = FakeHolds()
        self.service = Holding(self.exchange.switchboard, self.pbx, ActionTurns())
        call = accepted()
        legs = tuple(
            replace(leg, uniqueid=uniqueid, phase=LegPhase.UP, answered_ms=2)
            for leg, uniqueid in zip(call.legs, (ALICE, BOB), strict=True)
        )
        channels = {x: CallChannel(x, f"PJSIP/{x}", ev.ChannelState.UP, 1) for x in (ALICE, BOB)}
        call = replace(call, legs=legs, channels=channels, answered_ms=2)
        self.exchange.switchboard.calls.add(changed(call))

    @property
    def holds(self) -> list[bool]:
        [call] = self.exchange.live
        return [x.api_hold is not None for x in call.legs]


def with_leg(index: int, **more: Any) -> Callable[[PhoneCall], PhoneCall]:
    def change(call: PhoneCall) -> PhoneCall:
        legs = list(call.legs)
        legs[index] = replace(legs[index], **more)
        return replace(call, legs=tuple(legs))

    return change


async def test_a_party_is_held_once_and_taken_back_once() -> None:
    talk = Talk()
    for _ in range(2):
        await talk.service.hold(CALL_ID, "00")
    assert talk.holds == [True, False]
    with pytest.raises(ActionFailed, match="holds the call"):
        await talk.service.hold(CALL_ID, "01")
    with pytest.raises(ActionFailed, match="holds the call"):
        await talk.service.release(CALL_ID, "01")
    for _ in range(2):
        await talk.service.release(CALL_ID, "00")
    assert talk.holds == [False, False]
    assert talk.pbx.diary == [f"apart {BOB} {ALICE}", f"connect {BOB} {ALICE}"]


async def test_given_an_unknown_outcome_then_off_hold_can_put_it_right() -> None:
    talk = Talk()
    talk.pbx.fails = PbxOutcomeUnknown("no answer within 10 s")
    with pytest.raises(PbxOutcomeUnknown):
        await talk.service.hold(CALL_ID, "00")
    assert talk.holds == [True, False]
    with pytest.raises(PbxOutcomeUnknown):
        await talk.service.release(CALL_ID, "00")
    assert talk.holds == [True, False]
    talk.pbx.fails = None
    await talk.service.release(CALL_ID, "00")
    assert talk.holds == [False, False]


@pytest.mark.parametrize("of_pbx", ["refuses", "lacks", "alone", "with another"])
async def test_given_a_pbx_that_does_not_hold_then_nobody_is_on_hold(of_pbx: str) -> None:
    talk = Talk()
    talk.pbx.fails = PbxRefused("Redirect: no") if of_pbx == "refuses" else None
    talk.pbx.lacks = "module res_musiconhold.so" if of_pbx == "lacks" else ""
    talk.pbx.next_to = {"alone": None, "with another": "9.9"}.get(of_pbx, ALICE)
    with pytest.raises((PbxRefused, ActionUnavailable, ActionFailed)):
        await talk.service.hold(CALL_ID, "00")
    assert talk.holds == [False, False]
    assert len(talk.pbx.diary) == (of_pbx == "refuses")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (lambda x: replace(x, hang_up=HangUpMark(EndedBy.API, 3)), "the call has ended"),
        (with_leg(0, phase=LegPhase.RINGING), "has not answered"),
        (with_leg(0, handed_over=True), "is not in the call"),
        (with_leg(1, phase=LegPhase.RINGING), "it talks to no other party"),
    ],
)
async def test_given_no_talk_then_there_is_nobody_to_hold(
    changed: Callable[[PhoneCall], PhoneCall], why: str
) -> None:
    talk = Talk(changed)
    with pytest.raises(ActionFailed, match=why):
        await talk.service.hold(CALL_ID, "00")
    assert talk.pbx.diary == []


async def test_given_a_phone_that_holds_by_itself_then_the_api_neither_holds_nor_ends_it() -> None:
    talk = Talk(with_leg(0, on_hold_ms=5))
    await talk.service.hold(CALL_ID, "00")
    with pytest.raises(ActionFailed, match="only it can end that"):
        await talk.service.release(CALL_ID, "00")
    assert talk.pbx.diary == []


async def test_given_half_a_local_channel_then_it_is_no_phone_that_could_be_held() -> None:
    half = CallChannel(BOB, "Local/300@services", ev.ChannelState.UP, 1, local="Local/300@x;1")
    talk = Talk(lambda x: replace(x, channels={**x.channels, BOB: half}))
    with pytest.raises(ActionFailed, match="is no phone"):
        await talk.service.hold(CALL_ID, "00")
    assert talk.pbx.diary == []


async def test_given_a_queue_that_has_connected_an_agent_then_the_agent_is_the_one_held() -> None:
    """The queue of an API call stays a party, on its half of a Local channel."""
    name = "Local/300@services"
    halves = {
        "q1": CallChannel("q1", name, ev.ChannelState.UP, 1, local=f"{name}-1;1"),
        "q2": CallChannel("q2", name, ev.ChannelState.UP, 1, local=f"{name}-1;2"),
    }

    def through_a_queue(call: PhoneCall) -> PhoneCall:
        source, agent = call.legs
        queue = replace(agent, view_id="02", uniqueid="q1", extension="0003*300")
        channels = {**call.channels, **halves}
        return replace(call, legs=(source, agent, queue), channels=channels)

    talk = Talk(through_a_queue)
    talk.pbx.next_to = "q2"
    await talk.service.hold(CALL_ID, "00")
    assert talk.pbx.diary == [f"apart {BOB} q2"]
    assert talk.holds == [True, False, False]
    with pytest.raises(ActionFailed, match="is no phone"):
        await talk.service.hold(CALL_ID, "02")


async def test_given_a_hold_of_the_other_party_then_it_is_not_held_as_well() -> None:
    talk = Talk(with_leg(1, api_hold=ApiHold(3, ALICE, BOB)))
    with pytest.raises(ActionFailed, match="holds the call"):
        await talk.service.hold(CALL_ID, "00")
    assert talk.holds == [False, True]
