"""Counts what happens to calls: an observer of the switchboard."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bridge.calls.live.change import Change
from bridge.calls.state.effects import CallEnded, LegProgressed, LegStep
from bridge.calls.state.phone_call import Disposition, EndedBy, FinalRecord, Origin, PhoneCall
from bridge.metrics.declared import Metrics


class CallMetrics:
    """`changed` observes; `live` sets the gauges of live calls, whenever somebody looks."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        # To look a series up costs more than to count: by origin, by outcome, by hangup cause.
        self._begun: dict[Origin, Callable[[], None]] = {}
        self._ended_as: dict[tuple[Origin, Disposition, EndedBy], Callable[[], None]] = {}
        self._causes: dict[int | None, Callable[[], None]] = {}

    def changed(self, change: Change) -> None:
        """Count the change."""
        after = change.after
        if _has_begun(change):
            self._count_begun(after.origin)
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

    def _count_begun(self, origin: Origin) -> None:
        count = self._begun.get(origin)
        if count is None:
            count = self._begun[origin] = self._metrics.calls_begun.labels(origin.value).inc
        count()

    def _count_cause(self, cause: int | None) -> None:
        count = self._causes.get(cause)
        if count is None:
            name = str(cause) if cause is not None else "none"
            count = self._causes[cause] = self._metrics.hangup_causes.labels(name).inc
        count()

    def live(self, calls: Iterable[PhoneCall]) -> None:
        """Set the gauges to these live calls."""
        counts = dict.fromkeys(("accepted", "ringing", "answered"), 0)
        for call in calls:
            counts[_state(call)] += 1
        for state, count in counts.items():
            self._metrics.calls_live.labels(state).set(count)

    def _ended(self, call: PhoneCall, final: FinalRecord) -> None:
        outcome = call.origin, final.disposition, final.by
        count = self._ended_as.get(outcome)
        if count is None:
            names = call.origin.value, final.disposition.name.lower(), final.by.value
            count = self._ended_as[outcome] = self._metrics.calls_ended.labels(*names).inc
        count()
        self._count_cause(final.cause)
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
