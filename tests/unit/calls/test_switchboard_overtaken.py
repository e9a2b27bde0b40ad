"""The PBX may tell that an Originate failed before it tells of its channel."""

from __future__ import annotations

from bridge.calls.state.pbx_events import ChannelHungUp, ChannelState, OriginateEnded
from bridge.calls.state.phone_call import Disposition
from bridge.clock import now_ms
from bridge.testing.eventually import eventually
from tests.lab.instant_time import instant

from .fakes import CALL_ID, Exchange, accepted, appears, channel

USER_BUSY = 17
FAILED = OriginateEnded(now_ms(), CALL_ID, succeeded=False, reason=0)


def overtaken() -> Exchange:
    """The failure, then the channel and its end."""
    exchange = Exchange()
    exchange.switchboard.calls.add(accepted())
    exchange.switchboard.pbx_event(FAILED)
    exchange.switchboard.pbx_event(appears(channel(CALL_ID, state=ChannelState.DOWN)))
    exchange.switchboard.pbx_event(ChannelHungUp(now_ms(), CALL_ID, CALL_ID, USER_BUSY))
    return exchange


async def ended(exchange: Exchange) -> None:
    await eventually(lambda: exchange.records.finished != [])


@instant
async def test_given_failure_told_before_the_channel_when_both_came_then_the_reason_is_kept() -> (
    None
):
    exchange = overtaken()
    await ended(exchange)
    [call] = exchange.records.finished
    assert call.final is not None
    assert (call.final.disposition, call.final.cause) == (Disposition.BUSY, USER_BUSY)
    assert list(exchange.live) == []
    assert exchange.pbx.hung_up == []


@instant
async def test_given_both_came_when_resynced_before_the_failure_counts_then_the_reason_stays() -> (
    None
):
    exchange = overtaken()
    await exchange.switchboard.resync()
    assert exchange.records.finished == []
    await ended(exchange)
    assert exchange.records.finished[0].final is not None
    assert exchange.records.finished[0].final.disposition is Disposition.BUSY
    await exchange.switchboard.stop()


@instant
async def test_given_failure_without_a_channel_when_none_comes_then_the_call_ends() -> None:
    exchange = Exchange()
    exchange.switchboard.calls.add(accepted())
    exchange.switchboard.pbx_event(FAILED)
    assert exchange.records.finished == []
    await ended(exchange)
    [call] = exchange.records.finished
    assert call.final is not None
    assert call.final.disposition is Disposition.FAILED


@instant
async def test_given_a_phone_that_forwards_when_somebody_answers_there_then_it_is_over() -> None:
    """The PBX goes on with a channel that has nothing to do with the call."""
    exchange = Exchange()
    exchange.switchboard.calls.add(accepted())
    exchange.switchboard.pbx_event(appears(channel(CALL_ID, state=ChannelState.DOWN)))
    exchange.switchboard.pbx_event(ChannelHungUp(now_ms(), CALL_ID, CALL_ID, 0))
    assert len(exchange.live) == 1
    exchange.switchboard.pbx_event(OriginateEnded(now_ms(), CALL_ID, succeeded=True, reason=4))
    assert exchange.live == []
    [call] = exchange.records.finished
    assert call.final is not None
    assert call.final.reason == "forwarded"
