"""Every metric, with its help and its buckets (Prometheus text format).

No label has a value that comes from outside: each is one of few, so that the series stay few. An
extension, a phone or a number is never a label.
"""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from bridge.metrics.quick_histogram import QuickHistogram

# Each metric would have one series more: the moment of its first sample.
disable_created_metrics()  # type: ignore[no-untyped-call]

_NETWORK_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Of what machines do: from a commit on a disk to a time limit."""
_PEOPLE_S = (1, 2, 5, 10, 15, 20, 30, 45, 60, 120, 300)
"""Of what people do: how long they let a phone ring."""
_TALK_S = (5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400)


class Metrics:
    """All of them, in a registry of their own; the names begin with `uapi_`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

        # Calls
        self.calls_live = self._gauge(
            "calls_live",
            "Live calls: accepted (nobody rings), ringing, answered.",
            "state",
        )
        self.calls_begun = self._counter(
            "calls_begun",
            "Calls with a first channel, by who began them: api, phone, trunk.",
            "origin",
        )
        self.calls_ended = self._counter(
            "calls_ended",
            "Final records, by who began the call, how it came out and who ended it.",
            "origin",
            "disposition",
            "ended_by",
        )
        self.hangup_causes = self._counter(
            "hangup_causes", "Hangup causes (Q.850) of final records; none: unknown.", "cause"
        )
        self.first_dial_seconds = self._quick_histogram(
            "first_dial_seconds",
            "From the accepted create to the first channel on the PBX.",
            _NETWORK_S,
        )
        self.ringing_seconds = self._quick_histogram(
            "ringing_seconds", "How long the first party rang that answered.", _PEOPLE_S
        )
        self.talk_seconds = self._quick_histogram(
            "talk_seconds", "From the answer of a call to its end.", _TALK_S
        )

        # The PBX
        self.ami_link_up = self._gauge("ami_link_up", "1 while the AMI link works.")
        self.ami_link_changed = self._gauge(
            "ami_link_changed_timestamp_seconds", "When the AMI link last came up or went down."
        )
        self.pbx_event_lag_seconds = self._quick_histogram(
            "pbx_event_lag_seconds",
            "From the arrival of an event of the PBX until it is in force.",
            (0.001, *_NETWORK_S),
        )
        self.pbx_events_waiting = self._gauge(
            "pbx_events_waiting", "Events of the PBX that have arrived and wait for their turn."
        )
        self.phones_reachable = self._gauge(
            "phones_reachable",
            "Phones of the directory that can ring; 0 while the AMI link is down.",
        )
        self.phones_not_made = self._gauge(
            "phones_not_made", "Phones of the directory that are not on the PBX."
        )

        # The database
        self.write_groups_waiting = self._gauge(
            "write_groups_waiting", "Groups of writes that are not on disk yet."
        )
        self.storage_up = self._gauge("storage_up", "1 while the database can be written to.")
        self.commit_seconds = self._quick_histogram(
            "commit_seconds", "One transaction of the write queue.", _NETWORK_S
        )

        # PhoneCallEvents
        self.event_attempts = self._counter(
            "event_attempts",
            "Attempts to deliver an event, by answer: 2xx to 5xx, or none.",
            "answer",
        )
        self.event_attempt_seconds = self._quick_histogram(
            "event_attempt_seconds", "One attempt, from connecting to the answer.", _NETWORK_S
        )
        self.event_oldest_undelivered = self._gauge(
            "event_oldest_undelivered_seconds", "Age of the oldest event that is being delivered."
        )
        self.event_receivers_behind = self._gauge(
            "event_receivers_behind", "Subscriptions whose events wait."
        )

        # Recordings
        self.recordings_running = self._gauge(
            "recordings_running", "Calls that are being recorded."
        )
        self.recordings_failed = self._counter(
            "recordings_failed",
            "Parts of recordings without audio: not_started, missing or empty.",
            "why",
        )
        self.recordings_waiting_for_removal = self._gauge(
            "recordings_waiting_for_removal",
            "Conversations that are deleted for everybody, whose files are still to be removed.",
        )
        self.recordings_up = self._gauge(
            "recordings_up", "1 while calls can be recorded; 0: /health/ready says why not."
        )

        # HTTP
        self.http_requests = self._counter(
            "http_requests",
            "Requests, by method, route and status of the answer.",
            "method",
            "route",
            "status",
        )
        self.http_request_seconds = self._histogram(
            "http_request_seconds", "From the head of a request to its answer.", _NETWORK_S, "route"
        )
        self.leases_held = self._gauge(
            "leases_held",
            "Leases under which this instance acts now, by kind: pbx, hooks, job.",
            "kind",
        )
        self.leases_of_all = self._gauge(
            "leases_of_all", "Leases that all instances together should hold, by kind.", "kind"
        )
        self.call_streams = self._gauge("call_streams", "Open streams of calls.")

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"uapi_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"uapi_{name}", text, labels, registry=self.registry)

    def _quick_histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> QuickHistogram:
        return QuickHistogram(f"uapi_{name}", text, buckets, self.registry)

    def _histogram(
        self, name: str, text: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(f"uapi_{name}", text, labels, registry=self.registry, buckets=buckets)
