"""Traces that go to a collector over OTLP/HTTP. Needs the packages of the extra `otel`.

The names of attributes are those of OpenTelemetry's semantic conventions where these have one, and
`uapi.…` elsewhere. No number and no name of a person is in a trace.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from bridge import __version__
from bridge.tracing.traces import Attributes

_ENDED_KEPT = 10_000
"""Calls that have ended, and whose webhooks may still be sent."""
_SPANS_WAITING_MAX = 4_096
_TIMEOUT_S = 5
_NS_PER_MS = 1_000_000


class CollectedTraces:
    """`share`: of the requests without a `traceparent`, 0 to 1; a `traceparent` decides itself."""

    def __init__(self, exporter: SpanExporter, *, share: float, instance: str) -> None:
        resource = Resource.create(
            {
                "service.name": "uapi-bridge",
                "service.version": __version__,
                "service.instance.id": instance,
            }
        )
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(share)),
            resource=resource,
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(exporter, max_queue_size=_SPANS_WAITING_MAX)
        )
        self._tracer = self._provider.get_tracer("uapi-bridge", __version__)
        self._propagator = TraceContextTextMapPropagator()
        self._calls: dict[str, Span] = {}
        self._ended: OrderedDict[str, SpanContext] = OrderedDict()

    def close(self) -> None:
        """Send what waits. Blocks for some seconds where the collector does not answer."""
        self._provider.shutdown()

    @contextmanager
    def request(self, method: str, headers: Mapping[str, str]) -> Iterator[_RequestSpan]:
        carrier = {x: headers[x] for x in ("traceparent", "tracestate") if x in headers}
        with self._tracer.start_as_current_span(
            method,
            context=self._propagator.extract(carrier),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": method},
        ) as span:
            yield _RequestSpan(span, method)

    def carried_on(self) -> Mapping[str, str]:
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier

    def originating(self, call_id: str) -> AbstractContextManager[object]:
        call = trace.set_span_in_context(self._call(call_id))
        span = self._tracer.start_span("AMI Originate", context=call, kind=SpanKind.CLIENT)
        return trace.use_span(span, end_on_exit=True)

    def call_changed(self, call_id: str, name: str, at_ms: int, attributes: Attributes) -> None:
        self._call(call_id).add_event(name, attributes, at_ms * _NS_PER_MS)

    def call_ended(self, call_id: str, at_ms: int, attributes: Attributes) -> None:
        span = self._calls.pop(call_id, None)
        if span is None:
            return
        span.set_attributes(attributes)
        span.end(at_ms * _NS_PER_MS)
        self._ended[call_id] = span.get_span_context()
        while len(self._ended) > _ENDED_KEPT:
            self._ended.popitem(last=False)

    def webhook(self, call_id: str, began_ms: int, ended_ms: int, attributes: Attributes) -> None:
        context = self._context(call_id)
        if context is None:
            return
        span = self._tracer.start_span(
            "webhook",
            context=trace.set_span_in_context(trace.NonRecordingSpan(context)),
            kind=SpanKind.CLIENT,
            attributes=attributes,
            start_time=began_ms * _NS_PER_MS,
        )
        if not attributes.get("uapi.delivered"):
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended_ms * _NS_PER_MS)

    def traceparent(self, call_id: str) -> str:
        context = self._context(call_id)
        if context is None:
            return ""
        carrier: dict[str, str] = {}
        span = trace.NonRecordingSpan(context)
        self._propagator.inject(carrier, trace.set_span_in_context(span))
        return carrier.get("traceparent", "")

    def _call(self, call_id: str) -> Span:
        """The span of the call: of the request that is being served, or of a trace of its own."""
        span = self._calls.get(call_id)
        if span is None:
            span = self._calls[call_id] = self._tracer.start_span(
                "call", attributes={"uapi.call_id": call_id}
            )
        return span

    def _context(self, call_id: str) -> SpanContext | None:
        span = self._calls.get(call_id)
        return self._ended.get(call_id) if span is None else span.get_span_context()


class _RequestSpan:
    def __init__(self, span: Span, method: str) -> None:
        self._span = span
        self._method = method

    def answered(self, route: str, status: int) -> None:
        self._span.update_name(f"{self._method} {route}")
        self._span.set_attributes({"http.route": route, "http.response.status_code": status})
        if status >= 500:
            self._span.set_status(Status(StatusCode.ERROR))


def otlp_exporter(url: str) -> SpanExporter:
    """To a collector at this URL, as `http://127.0.0.1:4318/v1/traces`."""
    return OTLPSpanExporter(endpoint=url, timeout=_TIMEOUT_S)
