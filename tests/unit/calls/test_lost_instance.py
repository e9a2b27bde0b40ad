"""Calls that another instance accepted before it died, or was cut off: nobody dials them again."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bridge.calls.state.pbx_events import PbxSnapshot
from bridge.calls.state.phone_call import Disposition, EndedBy, HangUpMark
from bridge.clock import now_ms
from tests.lab.instant_time import instant

from .fakes import CALL_ID, Exchange, accepted, appears, channel, settle

GRACE_S = 10.0


async def taken_over(clock_ahead_ms: int = 0) -> Exchange:
    """`clock_ahead_ms`: how far the clock of the lost instance was ahead of ours."""
    exchange = Exchange(GRACE_S)
    call = accepted()
    published_ms = call.published_ms + clock_ahead_ms
    exchange.records.stored[CALL_ID] = replace(call, published_ms=published_ms)
    assert await exchange.switchboard.restore(taken_over=True) == 1
    exchange.switchboard.link_up(PbxSnapshot(now_ms(), ()))
    return exchange


@pytest.mark.parametrize("hours", [0, 1, -1])
@instant
async def test_given_no_channel_then_it_ends_once_after_the_grace_time_and_is_not_dialled(
    hours: int,
) -> None:
    exchange = await taken_over(hours * 3_600_000)
    await asyncio.sleep(GRACE_S - 0.5)
    assert [x.id for x in exchange.live] == [CALL_ID]
    await asyncio.sleep(1.0)
    assert exchange.live == []
    [ended] = exchange.records.finished
    assert ended.final is not None
    assert (ended.final.disposition, ended.final.reason) == (Disposition.FAILED, "instance lost")
    assert ended.final.by is EndedBy.UNKNOWN
    assert exchange.pbx.originated == []
    await exchange.switchboard.stop()


@instant
async def test_given_a_late_originate_of_the_old_instance_then_the_call_is_taken_up() -> None:
    exchange = await taken_over()
    await asyncio.sleep(2.0)
    exchange.switchboard.pbx_event(appears(channel(CALL_ID)))
    exchange.pbx.channels = (channel(CALL_ID),)
    await asyncio.sleep(GRACE_S)
    assert [x.id for x in exchange.live] == [CALL_ID]
    assert exchange.records.finished == []
    assert exchange.pbx.hung_up == []
    await exchange.switchboard.stop()


@instant
async def test_given_an_originate_after_the_end_then_its_channel_is_hung_up() -> None:
    exchange = await taken_over()
    await asyncio.sleep(GRACE_S + 1.0)
    [exchange.records.stored[CALL_ID]] = exchange.records.finished
    exchange.switchboard.pbx_event(appears(channel(CALL_ID)))
    await settle()
    assert exchange.pbx.hung_up == [CALL_ID]
    assert len(exchange.records.finished) == 1
    await exchange.switchboard.stop()


@pytest.mark.parametrize("heard_of", [True, False])
@instant
async def test_given_a_call_that_rang_or_was_deleted_then_it_ends_as_after_a_restart(
    heard_of: bool,
) -> None:
    exchange = Exchange(GRACE_S)
    call = accepted()
    if heard_of:
        rung = replace(call.legs[0], uniqueid=CALL_ID)
        call = replace(call, legs=(rung, call.legs[1]))
    else:
        call = replace(call, hang_up=HangUpMark(EndedBy.API, now_ms()))
    exchange.records.stored[CALL_ID] = call
    await exchange.switchboard.restore(taken_over=True)
    exchange.switchboard.link_up(PbxSnapshot(now_ms(), ()))
    await asyncio.sleep(GRACE_S + 1.0)
    [ended] = exchange.records.finished
    assert ended.final is not None
    assert ended.final.reason == "lost while disconnected"
    await exchange.switchboard.stop()
