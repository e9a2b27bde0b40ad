"""A receiver of traces, as an OpenTelemetry collector is one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class TakenSpan:
    """`parent`: the id of the span above it, empty: none. `instance`: that which sent it."""

    name: str
    trace: str
    span: str
    parent: str
    instance: str


@dataclass(slots=True)
class TraceCollector:
    """Takes spans at `/v1/traces`, and the `traceparent` of each webhook at `/events`."""

    spans: list[TakenSpan] = field(default_factory=list)
    traceparents: list[str] = field(default_factory=list)

    def names(self, trace: str) -> set[str]:
        return {x.name for x in self.spans if x.trace == trace}

    async def take_traces(self, request: web.Request) -> web.Response:
        self.spans += _spans(ExportTraceServiceRequest.FromString(await request.read()))
        return web.Response()

    async def take_event(self, request: web.Request) -> web.Response:
        self.traceparents.append(request.headers.get("traceparent", ""))
        return web.Response()


def _spans(sent: ExportTraceServiceRequest) -> Iterator[TakenSpan]:
    for of_service in sent.resource_spans:
        named = {x.key: x.value.string_value for x in of_service.resource.attributes}
        for of_scope in of_service.scope_spans:
            for x in of_scope.spans:
                ids = x.trace_id.hex(), x.span_id.hex(), x.parent_span_id.hex()
                yield TakenSpan(x.name, *ids, named["service.instance.id"])


@asynccontextmanager
async def collecting(port: int) -> AsyncIterator[TraceCollector]:
    """A collector at this port of 127.0.0.1."""
    collector = TraceCollector()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take_traces)
    app.router.add_post("/events", collector.take_event)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield collector
    finally:
        await runner.cleanup()
