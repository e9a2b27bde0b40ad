"""Counts what happens to calls: an observer of the switchboard."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.calls.live.change import Change
from bridge.calls.state.effects import CallEnded, LegProgressed, LegStep
from bridge.calls.state.phone_call import FinalRecord, Origin, PhoneCall
from bridge.metrics.declared import Metrics


class CallMetrics:
    """`changed` observes; `live` sets the gauges of live calls, whenever somebody looks."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def changed(self, change: Change) -> None:
        """Count the change."""
        after = change.after
        if _has_begun(change):
            self._metrics.calls_begun.labels(after.origin.value).inc()
            if after.origin is Origin.API:
                first_ms = min(x.appeared_ms for x in after.channels.values())
                self._metrics.first_dial_seconds.observe(_s(after.published_ms, first_ms))
        for effect in change.effects:
            if isinstance(effect, LegProgressed) and effect.step is LegStep.ANSWERED:
                if effect.leg.ringing_ms is not None:
                    rang_s = _s(effect.leg.ringing_ms, effect.at_ms)
                    self._metrics.ringing_seconds.observe(rang_s)
            elif isinstance(effect, CallEnded):
                self._ended(after, effect.final)

    def live(self, calls: Iterable[PhoneCall]) -> None:
        """Set the gauges to these live calls."""
        counts = dict.fromkeys(("accepted", "ringing", "answered"), 0)
        for call in calls:
            counts[_state(call)] += 1
        for state, count in counts.items():
            self._metrics.calls_live.labels(state).set(count)

    def _ended(self, call: PhoneCall, final: FinalRecord) -> None:
        self._metrics.calls_ended.labels(
            call.origin.value, final.disposition.name.lower(), final.by.value
        ).inc()
        cause = str(final.cause) if final.cause is not None else "none"
        self._metrics.hangup_causes.labels(cause).inc()
        if call.answered_ms is not None:
            self._metrics.talk_seconds.observe(_s(call.answered_ms, final.at_ms))


def _has_begun(change: Change) -> bool:
    """Whether this change brought the call its first channel."""
    before = change.before
    if not change.after.channels or (before is not None and before.channels):
        return False
    return before is None or all(x.uniqueid is None for x in before.legs)


def _s(from_ms: int, to_ms: int) -> float:
    """In seconds; the clock of the PBX may be a little behind."""
    return max(0, to_ms - from_ms) / 1000


def _state(call: PhoneCall) -> str:
    if call.answered_ms is not None:
        return "answered"
    return "accepted" if call.ringing_ms is None else "ringing"
