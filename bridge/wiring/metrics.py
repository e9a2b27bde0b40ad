"""Wiring of the metrics: the values that no part keeps, and the port of their own."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from itertools import chain
from typing import TYPE_CHECKING

from bridge.calls.live.call_metrics import CallMetrics
from bridge.clock import now_ms
from bridge.config.settings import Settings
from bridge.http.context import Services
from bridge.http.ops.metrics import metrics_application
from bridge.http.server import close_http, start_http
from bridge.metrics.declared import Metrics
from bridge.metrics.exposition import Exposition
from bridge.pbx.ami.link import AmiLink
from bridge.phone_call_events.delivery import Attempt, Delivery
from bridge.storage.write_queue import WriteQueue
from bridge.wiring.http import metrics_server_settings

if TYPE_CHECKING:
    from bridge.cluster.opened_leases import OpenedLeases
    from bridge.wiring.node import Node


def attempt_counter(metrics: Metrics) -> Callable[[Delivery, Attempt], None]:
    """Counts attempts to deliver an event."""
    counts: dict[int | None, Callable[[], None]] = {}  # by status: a series is looked up once

    def tried(_: Delivery, attempt: Attempt) -> None:
        status = attempt.http_status
        count = counts.get(status)
        if count is None:
            answer = "none" if status is None else f"{status // 100}xx"
            count = counts[status] = metrics.event_attempts.labels(answer).inc
        count()
        metrics.event_attempt_seconds.observe(max(0, attempt.duration_ms) / 1000)

    return tried


def recording_failure_counter(metrics: Metrics) -> Callable[[str], None]:
    """Counts parts of recordings without audio, by the reason."""
    for why in ("not_started", "missing", "empty"):
        metrics.recordings_failed.labels(why)  # without the 0 an alert misses the first of each
    return lambda why: metrics.recordings_failed.labels(why).inc()


def gauges(
    metrics: Metrics,
    services: Callable[[], Services],
    queue: WriteQueue,
    nodes: Callable[[], Collection[Node]],
    leases: OpenedLeases | None = None,
) -> Callable[[], None]:
    """The function that sets the gauges that no part keeps current. Of several nodes it has the
    sum; the link is up if that of each node is. An instance of several, with `leases`, may have no
    node."""
    calls = CallMetrics(metrics)

    def look() -> None:
        parts, held = services(), nodes()
        links = [x.link for x in held]
        calls.live(chain.from_iterable(x.switchboard.calls.live for x in held))
        may_have_none = leases is not None
        metrics.ami_link_up.set((bool(links) or may_have_none) and all(x.link.up for x in links))
        metrics.ami_link_changed.set(max((x.link.since_ms for x in links), default=0) / 1000)
        metrics.pbx_events_waiting.set(sum(x.events_waiting for x in links))
        metrics.phones_reachable.set(sum(_reachable_phones(parts, x) for x in links if x.link.up))
        metrics.phones_not_made.set(sum(x.phones.not_made for x in held))
        metrics.write_groups_waiting.set(queue.waiting)
        metrics.storage_up.set(not queue.problem)
        behind = parts.phone_call_events.waiting_since_ms()
        oldest_ms = min(behind, default=now_ms())
        metrics.event_receivers_behind.set(len(behind))
        metrics.event_oldest_undelivered.set(max(0, now_ms() - oldest_ms) / 1000)
        recordings = [x.services.recordings for x in held]
        metrics.recordings_running.set(sum(x.recorder.running for x in recordings))
        metrics.recordings_waiting_for_removal.set(sum(x.waiting_for_removal for x in recordings))
        metrics.recordings_up.set(not any(x.problem for x in recordings))
        metrics.call_streams.set(parts.stream_places.open)
        if leases is not None:
            for kind, (usable, of_all) in leases.keeper.counts().items():
                metrics.leases_held.labels(kind).set(usable)
                metrics.leases_of_all.labels(kind).set(of_all)

    return look


def _reachable_phones(parts: Services, link: AmiLink) -> int:
    phones = parts.directory.directory.extensions.values()
    return sum(1 for x in phones if x.endpoint and link.reachable(x.endpoint))


async def serve_metrics(stack: AsyncExitStack, settings: Settings, text: Exposition) -> None:
    """On a port of their own, if the settings name one. Raises CannotListen."""
    if settings.metrics_port:
        app = metrics_application(text)
        runner = await start_http(app, metrics_server_settings(settings))
        stack.push_async_callback(close_http, runner)
