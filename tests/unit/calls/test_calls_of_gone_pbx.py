"""Calls of a PBX that does not come back end once, as unknown."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from bridge.calls.calls_of_gone_pbx import PBX_LOST, CallsOfGonePbx
from bridge.calls.pbx import LinkStatus
from bridge.calls.state.pbx_events import PbxSnapshot
from bridge.calls.state.phone_call import Disposition, EndedBy, HangUpMark
from bridge.clock import now_ms
from tests.lab.instant_time import instant

from .fakes import CALL_ID, Exchange, accepted

GONE_S = 300


def heard(exchange: Exchange, at_ms: int) -> None:
    """The link was lost at that moment."""
    exchange.switchboard.link_down(at_ms, "it died")


async def away(exchange: Exchange, for_s: float) -> None:
    since_s = time.monotonic() - for_s
    exchange.pbx.link = LinkStatus(up=False, since_ms=now_ms(), why="it died", since_s=since_s)


@instant
async def test_given_a_pbx_that_is_gone_when_it_is_back_then_each_call_has_ended_once() -> None:
    exchange = Exchange()
    asked_to_end = replace(accepted(), id="0" * 20, hang_up=HangUpMark(EndedBy.API, now_ms()))
    for call in (accepted(), asked_to_end):
        exchange.switchboard.calls.add(call)
    gone = CallsOfGonePbx(exchange.switchboard, GONE_S, lambda: True)
    await away(exchange, GONE_S - 10)
    await gone.enforce()
    assert len(exchange.switchboard.calls.live) == 2
    await away(exchange, GONE_S)
    await gone.enforce()
    await gone.enforce()
    assert not list(exchange.switchboard.calls.live)
    finals = {x.id: x.final for x in exchange.records.finished if x.final is not None}
    assert {x: (y.disposition, y.by, y.reason) for x, y in finals.items()} == {
        CALL_ID: (Disposition.UNKNOWN, EndedBy.UNKNOWN, PBX_LOST),
        asked_to_end.id: (Disposition.UNKNOWN, EndedBy.API, PBX_LOST),
    }
    exchange.pbx.link = LinkStatus(up=True, since_ms=now_ms())
    exchange.switchboard.link_up(PbxSnapshot(now_ms(), ()))
    assert len([x for x in exchange.records.finished if x.final is not None]) == 2


@instant
@pytest.mark.parametrize(
    ("gone_s", "up", "may_act"), [(0, False, True), (1, True, True), (1, False, False)]
)
async def test_a_call_that_may_be_looked_after_does_not_end(
    gone_s: int, up: bool, may_act: bool
) -> None:
    exchange = Exchange()
    exchange.switchboard.calls.add(accepted())
    exchange.pbx.link = LinkStatus(up=up, since_ms=0, since_s=time.monotonic() - 60)
    await CallsOfGonePbx(exchange.switchboard, gone_s, lambda: may_act).enforce()
    assert list(exchange.switchboard.calls.live)


@instant
@pytest.mark.parametrize(
    ("heard_s", "seen_s", "ends_s"), [(60, 0, 60), (60, 90, 90), (60, 30, 60), (-5, 0, 0)]
)
async def test_the_time_after_the_pbx_was_last_seen_is_no_talk(
    heard_s: int, seen_s: int, ends_s: int
) -> None:
    """`heard_s`, `seen_s`: by this instance and by one of before, in seconds after the answer."""
    exchange, call = Exchange(), accepted()
    answered_ms = call.published_ms + 10_000
    legs = tuple(replace(x, answered_ms=answered_ms) for x in call.legs)
    exchange.switchboard.calls.add(replace(call, answered_ms=answered_ms, legs=legs))
    heard(exchange, answered_ms + heard_s * 1000)
    await away(exchange, GONE_S)
    seen_ms = answered_ms + seen_s * 1000 if seen_s else 0
    await CallsOfGonePbx(exchange.switchboard, GONE_S, lambda: True, seen_ms).enforce()
    [ended] = [x for x in exchange.records.finished if x.final is not None]
    assert ended.final is not None
    ends_ms = answered_ms + ends_s * 1000
    assert (ended.final.at_ms, ended.final.not_before_ms) == (ends_ms, ends_ms)
    assert {x.ended_ms for x in ended.legs} == {ends_ms}


@instant
async def test_a_jump_of_the_wall_clock_ends_no_call() -> None:
    exchange = Exchange()
    exchange.switchboard.calls.add(accepted())
    hours_ms = 5 * 3600 * 1000
    for since_ms in (now_ms() - hours_ms, now_ms() + hours_ms):
        exchange.pbx.link = LinkStatus(up=False, since_ms=since_ms, why="it died")
        await CallsOfGonePbx(exchange.switchboard, GONE_S, lambda: True).enforce()
        assert len(exchange.live) == 1
