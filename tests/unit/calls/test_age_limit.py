"""Calls beyond their age: hung up first, recorded when it is sure, and never taken up again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.calls.hanging_up import HangUp
from bridge.calls.pbx import LinkStatus
from bridge.calls.state.pbx_events import ChannelHungUp, ChannelSnapshot, ChannelState, PbxSnapshot
from bridge.calls.state.phone_call import (
    CallChannel,
    EndedBy,
    HangUpMark,
    Leg,
    LegPhase,
    Origin,
    PhoneCall,
    Side,
    derived_call_id,
)
from bridge.calls.time_limits import AGE_GRACE_MS, AgeLimit
from bridge.clock import now_ms
from tests.lab.instant_time import instant

from .fakes import CALL_ID, Exchange, accepted, channel, settle

AGE_MAX_S = 12 * 3600
LONG_AGO_MS = (AGE_MAX_S + 3600) * 1000
PHONES_LINKEDID = "1700000000.7"


def too_old(origin: Origin) -> PhoneCall:
    """A talk that began long before the age limit."""
    linkedid = CALL_ID if origin is Origin.API else PHONES_LINKEDID
    began_ms = now_ms() - LONG_AGO_MS
    leg = Leg("00", Side.SOURCE, "0003*210", "210", "PJSIP/0003*210", "0003*210")
    leg = replace(leg, uniqueid=linkedid, phase=LegPhase.UP, answered_ms=began_ms)
    return replace(
        accepted(),
        id=CALL_ID if origin is Origin.API else derived_call_id("pbx1", linkedid),
        linkedid=linkedid,
        origin=origin,
        published_ms=began_ms,
        answered_ms=began_ms,
        legs=(leg,),
        channels={linkedid: CallChannel(linkedid, "PJSIP/0003*210", ChannelState.UP, began_ms)},
    )


def alive(call: PhoneCall) -> ChannelSnapshot:
    return channel(call.linkedid, call.linkedid, state=ChannelState.UP)


async def restarted(*calls: PhoneCall) -> tuple[Exchange, HangUp, AgeLimit]:
    """The service with these calls on disk, before the link is up."""
    exchange = Exchange()
    exchange.records.stored = {x.id: x for x in calls}
    exchange.pbx.channels = tuple(alive(x) for x in calls)
    await exchange.switchboard.restore()
    hang_up = HangUp(exchange.switchboard, exchange.records, sweep_s=60.0)
    return exchange, hang_up, AgeLimit(exchange.switchboard, hang_up, AGE_MAX_S)


def link_up(exchange: Exchange, since_ms: int) -> None:
    exchange.pbx.link = LinkStatus(up=True, since_ms=since_ms)
    exchange.switchboard.link_up(PbxSnapshot(now_ms(), exchange.pbx.channels))


@pytest.mark.parametrize("origin", list(Origin))
@instant
async def test_given_a_call_that_grew_too_old_while_the_service_was_down_when_up_then_it_is_hung_up(
    origin: Origin,
) -> None:
    call = too_old(origin)
    exchange, hang_up, limit = await restarted(call)
    exchange.pbx.link = LinkStatus(up=False, since_ms=now_ms(), why="starting")
    await limit.enforce()
    assert len(exchange.live) == 1
    link_up(exchange, now_ms())
    await limit.enforce()
    await settle()
    assert exchange.pbx.hung_up == [call.linkedid]
    assert exchange.records.finished == []  # its end is not sure yet
    [noted] = [x.hang_up for x in exchange.records.tracked if x.hang_up is not None][-1:]
    assert noted is not None
    assert noted.by is EndedBy.AGE_LIMIT

    exchange.switchboard.pbx_event(ChannelHungUp(now_ms(), call.linkedid, call.linkedid, 16))
    [final] = [x.final for x in exchange.records.finished]
    assert final is not None
    assert (final.by, final.reason) == (EndedBy.AGE_LIMIT, "normal clearing")
    hang_up.stop()
    await exchange.switchboard.stop()


@instant
async def test_given_a_hang_up_tried_before_a_restart_when_up_then_it_gets_its_time() -> None:
    long_ago = HangUpMark(EndedBy.AGE_LIMIT, now_ms() - 10 * AGE_GRACE_MS)
    call = replace(too_old(Origin.PHONE), hang_up=long_ago)
    exchange, hang_up, limit = await restarted(call)
    link_up(exchange, now_ms())
    await limit.enforce()
    await settle()
    assert call.linkedid in exchange.pbx.hung_up
    assert exchange.records.finished == []

    exchange.pbx.link = LinkStatus(up=True, since_ms=now_ms() - AGE_GRACE_MS - 1)
    await limit.enforce()
    [final] = [x.final for x in exchange.records.finished]
    assert final is not None
    assert (final.by, final.reason) == (EndedBy.AGE_LIMIT, "older than the age limit")
    hang_up.stop()
    await exchange.switchboard.stop()


@pytest.mark.parametrize("origin", list(Origin))
@instant
async def test_given_a_call_written_off_when_its_channel_lives_on_then_it_is_no_call_again(
    origin: Origin,
) -> None:
    mark = HangUpMark(EndedBy.AGE_LIMIT, now_ms() - 10 * AGE_GRACE_MS)
    call = replace(too_old(origin), hang_up=mark)
    exchange, hang_up, limit = await restarted(call)
    link_up(exchange, now_ms() - 2 * AGE_GRACE_MS)
    await limit.enforce()
    await settle()
    assert exchange.live == []
    exchange.pbx.hung_up.clear()

    await exchange.switchboard.resync()
    await settle()
    assert exchange.live == []
    assert exchange.pbx.hung_up == [call.linkedid]
    assert len(exchange.records.finished) == 1
    hang_up.stop()
    await exchange.switchboard.stop()


@pytest.mark.parametrize("origin", list(Origin))
@instant
async def test_given_a_call_written_off_before_a_restart_when_its_channel_is_listed_then_hung_up(
    origin: Origin,
) -> None:
    call = too_old(origin)
    exchange, hang_up, limit = await restarted(call)
    exchange.switchboard.link_up(PbxSnapshot(now_ms(), (alive(call),)))
    exchange.switchboard.calls.mark_hang_up(call.id, EndedBy.AGE_LIMIT, 1)
    exchange.pbx.link = LinkStatus(up=True, since_ms=1)
    await limit.enforce()
    [ended] = exchange.records.finished
    hang_up.stop()
    await exchange.switchboard.stop()

    again, hang_up, _ = await restarted(ended)
    link_up(again, now_ms())
    await settle()
    assert again.live == []
    assert again.pbx.hung_up == [call.linkedid]
    assert {x.final for x in again.records.finished} <= {ended.final}
    hang_up.stop()
    await again.switchboard.stop()


@instant
async def test_given_a_call_lost_by_mistake_when_its_channel_is_listed_then_new_id() -> None:
    lost = too_old(Origin.PHONE)
    exchange, hang_up, _ = await restarted(lost)
    exchange.switchboard.link_up(PbxSnapshot(now_ms(), ()))
    [ended] = exchange.records.finished
    hang_up.stop()
    await exchange.switchboard.stop()

    ids = []
    for _ in range(2):  # the same one after each restart
        again, hang_up, _ = await restarted(ended)
        link_up(again, now_ms())
        await settle()
        ids += [x.id for x in again.live]
        assert again.pbx.hung_up == []
        hang_up.stop()
        await again.switchboard.stop()
    assert ids[0] != lost.id
    assert ids == [ids[0]] * 2


@instant
async def test_given_another_clock_of_the_pbx_when_a_phone_calls_then_its_age_is_by_ours() -> None:
    call = too_old(Origin.PHONE)
    young = replace(call, published_ms=now_ms() - LONG_AGO_MS)
    exchange, hang_up, limit = await restarted(young)
    exchange.pbx.link = LinkStatus(up=True, since_ms=now_ms())
    # its clock stands where the call's begin is
    exchange.switchboard.link_up(PbxSnapshot(young.published_ms, exchange.pbx.channels))
    await limit.enforce()
    await settle()
    assert exchange.pbx.hung_up == []
    hang_up.stop()
    await exchange.switchboard.stop()
