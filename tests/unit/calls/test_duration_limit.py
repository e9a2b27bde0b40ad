"""Talks that outlive their limit, because the channel that had it is gone."""

from __future__ import annotations

from dataclasses import replace

import pytest

import bridge.maintenance as module
from bridge.calls.hanging_up import HangUp
from bridge.calls.phone_call import EndedBy
from bridge.maintenance import DurationLimit
from tests.unit.recordings.fakes import connected

from .fakes import CALL_ID, Exchange, appears, channel


@pytest.mark.parametrize(("duration_s", "ended"), [(0, True), (60, False), (None, False)])
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
