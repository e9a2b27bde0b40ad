"""What happens to calls is counted once, whatever the order of the events."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.calls.live.call_metrics import CallMetrics
from bridge.calls.live.change import Change
from bridge.calls.state.effects import CallEnded, LegProgressed, LegStep
from bridge.calls.state.pbx_events import ChannelState
from bridge.calls.state.phone_call import (
    CallChannel,
    Disposition,
    EndedBy,
    FinalRecord,
    Origin,
    PhoneCall,
)
from bridge.metrics.declared import Metrics
from tests.unit.calls.fakes import accepted


class Counted:
    """The metrics, and their observer."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.calls = CallMetrics(self.metrics)

    def value(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"uapi_{name}", labels) or 0.0


@pytest.fixture
def counted() -> Counted:
    return Counted()


def dialled(call: PhoneCall, after_ms: int) -> PhoneCall:
    appeared_ms = call.published_ms + after_ms
    channel = CallChannel(call.id, "PJSIP/0003*210", ChannelState.DOWN, appeared_ms)
    legs = (replace(call.legs[0], uniqueid=call.id), *call.legs[1:])
    return replace(call, channels={call.id: channel}, legs=legs)


def test_given_a_call_of_the_api_when_dialled_then_it_has_begun_once(counted: Counted) -> None:
    call = accepted()
    first = dialled(call, 40)
    counted.calls.changed(Change(call, first, ()))
    counted.calls.changed(Change(first, replace(first, ringing_ms=1), ()))
    without = replace(first, channels={})
    counted.calls.changed(Change(first, without, ()))
    counted.calls.changed(Change(without, first, ()))  # its next channel
    assert counted.value("calls_begun_total", origin="api") == 1
    assert counted.value("first_dial_seconds_count") == 1
    assert counted.value("first_dial_seconds_sum") == pytest.approx(0.04)


def test_given_a_call_of_a_phone_when_new_then_it_has_begun(counted: Counted) -> None:
    call = replace(dialled(accepted(), 5), origin=Origin.PHONE)
    counted.calls.changed(Change(None, call, ()))
    assert counted.value("calls_begun_total", origin="phone") == 1
    assert counted.value("first_dial_seconds_count") == 0


def test_given_an_end_when_told_then_outcome_cause_and_times_are_counted(
    counted: Counted,
) -> None:
    call = dialled(accepted(), 5)
    answered = replace(call, answered_ms=10_000)
    leg = replace(call.legs[0], ringing_ms=4_000, answered_ms=10_000)
    effect = LegProgressed(10_000, LegStep.ANSWERED, leg)
    counted.calls.changed(Change(call, answered, (effect,)))
    final = FinalRecord(70_000, Disposition.ANSWERED, EndedBy.SOURCE, "normal clearing", 16)
    counted.calls.changed(Change(answered, replace(answered, final=final), (CallEnded(final),)))
    labels = {"origin": "api", "disposition": "answered", "ended_by": "source"}
    assert counted.value("calls_ended_total", **labels) == 1
    assert counted.value("hangup_causes_total", cause="16") == 1
    assert counted.value("ringing_seconds_sum") == 6
    assert counted.value("talk_seconds_sum") == 60


def test_given_an_end_that_nobody_saw_when_told_then_its_cause_is_none(counted: Counted) -> None:
    call = accepted()
    final = FinalRecord(1, Disposition.UNKNOWN, EndedBy.UNKNOWN, "lost")
    counted.calls.changed(Change(call, replace(call, final=final), (CallEnded(final),)))
    assert counted.value("hangup_causes_total", cause="none") == 1
    assert counted.value("talk_seconds_count") == 0


def test_live_calls_are_counted_by_state(counted: Counted) -> None:
    call = accepted()
    counted.calls.live([call, replace(call, ringing_ms=1), replace(call, answered_ms=2)])
    counted.calls.live([call, replace(call, ringing_ms=1), replace(call, ringing_ms=1)])
    found = [counted.value("calls_live", state=x) for x in ("accepted", "ringing", "answered")]
    assert found == [1, 2, 0]
