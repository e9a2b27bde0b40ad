"""Talks that outlive their limit, because the channel that had it is gone."""

from __future__ import annotations

from dataclasses import replace

import pytest

import bridge.calls.time_limits as module
from bridge.calls.hanging_up import HangUp
from bridge.calls.state.pbx_events import PbxSnapshot
from bridge.calls.state.phone_call import EndedBy
from bridge.calls.time_limits import DurationLimit
from bridge.clock import now_ms
from tests.lab.instant_time import instant
from tests.unit.recordings.fakes import connected

from .fakes import CALL_ID, Exchange, appears, channel, settle


@pytest.mark.parametrize(("duration_s", "ended"), [(0, True), (60, False), (None, False)])
@instant
async def test_given_a_talk_when_its_duration_is_over_then_it_is_hung_up(
    monkeypatch: pytest.MonkeyPatch, duration_s: int | None, ended: bool
) -> None:
    monkeypatch.setattr(module, "DURATION_SLACK_S", -0.001)
    exchange = Exchange()
    hang_up = HangUp(exchange.switchboard, exchange.records, sweep_s=60)
    limit = DurationLimit(exchange.switchboard, hang_up)
    exchange.switchboard.calls.add(replace(connected(), duration_s=duration_s))
    await limit.enforce()
    assert exchange.pbx.hung_up == []  # nothing has been heard of it
    exchange.switchboard.pbx_event(appears(channel("100.2")))
    await limit.enforce()
    assert exchange.pbx.hung_up == ([CALL_ID] if ended else [])
    if ended:
        [call] = exchange.live
        assert call.hang_up is not None
        assert call.hang_up.by is EndedBy.DURATION_LIMIT
    hang_up.stop()


@pytest.mark.parametrize("our_clock_ahead_ms", [-3_600_000, 0, 3_600_000])
@pytest.mark.parametrize(("talked_s", "ended"), [(100, True), (30, False)])
@instant
async def test_given_a_talk_of_before_a_restart_when_its_duration_is_over_then_it_is_hung_up(
    talked_s: int, ended: bool, our_clock_ahead_ms: int
) -> None:
    exchange = Exchange()
    pbx_ms = now_ms() - our_clock_ahead_ms
    talk = replace(connected(), duration_s=60, answered_ms=pbx_ms - talked_s * 1000)
    exchange.records.stored[talk.id] = talk
    await exchange.switchboard.restore()
    hang_up = HangUp(exchange.switchboard, exchange.records, sweep_s=60)
    limit = DurationLimit(exchange.switchboard, hang_up)
    listed = tuple(channel(x) for x in talk.channels)
    exchange.switchboard.link_up(PbxSnapshot(pbx_ms, listed))
    await limit.enforce()
    await settle()
    assert exchange.pbx.hung_up == ([CALL_ID] if ended else [])
    hang_up.stop()
    await exchange.switchboard.stop()
