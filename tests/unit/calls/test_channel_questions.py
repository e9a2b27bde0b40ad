"""The PBX is asked what it does with a party that talks to nobody else."""

from __future__ import annotations

import asyncio

from bridge.calls.live.channel_questions import ASKED_AFTER_S
from bridge.calls.pbx import PbxUnavailable
from bridge.calls.state.pbx_events import (
    ChannelHungUp,
    ChannelRuns,
    ChannelSnapshot,
    ChannelState,
    ChannelStateChanged,
)
from bridge.clock import now_ms
from tests.lab.instant_time import instant

from .fakes import Exchange, appears

ROOT = "1795301346.1"
ASKED_S = sum(ASKED_AFTER_S) + 0.5


def dials_an_echo() -> Exchange:
    """210 has dialled a number at which the dialplan itself answers."""
    exchange = Exchange()
    phone = ChannelSnapshot(
        ROOT, ROOT, "PJSIP/0003*210-01", "PJSIP/0003*210", ChannelState.RING, exten="00"
    )
    exchange.switchboard.pbx_event(appears(phone))
    exchange.switchboard.pbx_event(ChannelStateChanged(now_ms(), ROOT, ROOT, ChannelState.UP))
    return exchange


def runs(application: str) -> ChannelRuns:
    return ChannelRuns(now_ms(), ROOT, ROOT, application, "900@default,u", "00", "phones")


@instant
async def test_given_a_phone_with_the_pbx_when_it_stays_then_the_pbx_is_asked_a_few_times() -> None:
    exchange = dials_an_echo()
    await asyncio.sleep(ASKED_S)
    assert exchange.pbx.asked == [ROOT] * len(ASKED_AFTER_S)
    [call] = exchange.live
    assert (call.mailbox, call.taken_ms) == (None, None)
    await exchange.switchboard.stop()


@instant
async def test_given_the_answer_voicemail_when_it_comes_then_the_call_says_so_and_no_more_is_asked(
    # the mailbox is one of no extension here
) -> None:
    exchange = dials_an_echo()
    await asyncio.sleep(ASKED_AFTER_S[0] + 0.3)
    exchange.switchboard.pbx_event(runs("VoiceMail"))
    await asyncio.sleep(ASKED_S)
    assert exchange.pbx.asked == [ROOT]
    [call] = exchange.live
    assert call.mailbox == "900"
    assert call.taken_ms is not None
    assert call.answered_ms is not None
    await exchange.switchboard.stop()


@instant
async def test_given_a_phone_that_hangs_up_at_once_when_it_is_gone_then_nothing_is_asked() -> None:
    exchange = dials_an_echo()
    exchange.switchboard.pbx_event(ChannelHungUp(now_ms(), ROOT, ROOT, 16))
    await asyncio.sleep(ASKED_S)
    assert exchange.pbx.asked == []
    await exchange.switchboard.stop()


@instant
async def test_given_a_pbx_without_that_channel_when_asked_then_it_is_not_asked_again() -> None:
    exchange = dials_an_echo()
    exchange.pbx.has_channels = False
    await asyncio.sleep(ASKED_S)
    assert exchange.pbx.asked == [ROOT]
    await exchange.switchboard.stop()


@instant
async def test_given_a_link_that_is_down_when_it_is_time_to_ask_then_the_call_goes_on() -> None:
    exchange = dials_an_echo()
    exchange.pbx.fails = PbxUnavailable("the link is down")
    await asyncio.sleep(ASKED_S)
    assert exchange.pbx.asked == [ROOT]
    assert len(exchange.live) == 1
    await exchange.switchboard.stop()
