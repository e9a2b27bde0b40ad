"""Wiring of the traces: a collector if the settings name one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

from bridge.config.settings import Settings
from bridge.phone_call_events.delivery import Attempt, Delivery
from bridge.tracing.traces import NO_TRACES, Traces


class PackagesMissing(Exception):
    """`str()` says which setting needs which packages."""


def open_traces(stack: AsyncExitStack, settings: Settings) -> Traces:
    """`stack` sends what waits and ends them.

    Raises PackagesMissing where the packages of the extra `otel` are not installed.
    """
    if not settings.otlp_traces_url:
        return NO_TRACES
    try:
        from bridge.tracing.collected_traces import CollectedTraces, otlp_exporter
    except ImportError as why:
        raise PackagesMissing(
            f"BRIDGE_OTLP_TRACES_URL needs `pip install uapi-bridge[otel]` ({why})"
        ) from None
    traces = CollectedTraces(
        otlp_exporter(settings.otlp_traces_url),
        share=settings.traces_share,
        instance=settings.instance_name or settings.pbx_name,
    )
    stack.push_async_callback(asyncio.to_thread, traces.close)
    return traces


def told_of_attempts(
    tried: Callable[[Delivery, Attempt], None], traces: Traces
) -> Callable[[Delivery, Attempt], None]:
    """`tried`, and the traces are told of attempts to deliver an event, too."""
    if traces is NO_TRACES:
        return tried

    def both(delivery: Delivery, attempt: Attempt) -> None:
        tried(delivery, attempt)
        attributes: dict[str, str | int | bool] = {
            "uapi.delivered": attempt.succeeded,
            "uapi.attempt": delivery.attempts + 1,
        }
        if attempt.http_status is not None:
            attributes["http.response.status_code"] = attempt.http_status
        ended_ms = attempt.at_ms + attempt.duration_ms
        traces.webhook(delivery.call_id, attempt.at_ms, ended_ms, attributes)

    return both
