"""One trace from a request to its webhooks; bounded, and without anything that callers write."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bridge.tracing import collected_traces
from bridge.tracing.collected_traces import CollectedTraces

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GIVEN = {"traceparent": f"00-{TRACE}-{PARENT}-01", "Authorization": "Bearer secret"}


class Collected:
    def __init__(self, share: float = 1.0) -> None:
        self._exporter = InMemorySpanExporter()
        self.traces = CollectedTraces(self._exporter, share=share, instance="main")

    def spans(self) -> dict[str, ReadableSpan]:
        self.traces.close()
        return {x.name: x for x in self._exporter.get_finished_spans()}


@pytest.fixture
def collected() -> Iterator[Collected]:
    made = Collected()
    yield made
    made.traces.close()


def hex_of(number: int) -> str:
    return f"{number:032x}"


def test_given_a_traceparent_then_request_call_originate_and_webhook_are_one_trace(
    collected: Collected,
) -> None:
    traces = collected.traces
    with traces.request("POST", GIVEN) as span:
        with traces.originating("c1"):
            pass
        span.answered("/uapi/phoneCalls/{userId}/simple", 202)
    traces.call_changed("c1", "ringing", 1_000, {"uapi.side": "source"})
    header = traces.traceparent("c1")
    traces.call_ended("c1", 2_000, {"uapi.disposition": "answered"})
    assert traces.traceparent("c1") == header
    traces.webhook("c1", 2_000, 2_010, {"uapi.delivered": True})

    spans = collected.spans()
    request = spans["POST /uapi/phoneCalls/{userId}/simple"]
    call, originate, webhook = spans["call"], spans["AMI Originate"], spans["webhook"]
    for one in (request, call, originate, webhook):
        assert one.context is not None
        assert hex_of(one.context.trace_id) == TRACE
    assert request.parent is not None
    assert f"{request.parent.span_id:016x}" == PARENT
    assert request.context is not None
    assert call.parent is not None
    assert call.parent.span_id == request.context.span_id
    for child in (originate, webhook):
        assert child.parent is not None
        assert call.context is not None
        assert child.parent.span_id == call.context.span_id
    assert header.startswith(f"00-{TRACE}-")
    assert call.end_time == 2_000_000_000
    assert [(x.name, x.timestamp) for x in call.events] == [("ringing", 1_000_000_000)]
    assert "secret" not in str([x.to_json() for x in spans.values()])


def test_given_a_call_that_a_phone_began_then_it_has_a_trace_of_its_own(
    collected: Collected,
) -> None:
    collected.traces.call_changed("c2", "dialled", 1_000, {})
    collected.traces.call_ended("c2", 2_000, {})
    assert collected.spans()["call"].parent is None


@pytest.mark.parametrize("wrong", ["", "00-0-0-01", "x" * 5_000, f"00-{'0' * 32}-{PARENT}-01"])
def test_given_a_wrong_traceparent_then_a_new_trace_begins(
    collected: Collected, wrong: str
) -> None:
    with collected.traces.request("GET", {"traceparent": wrong}) as span:
        span.answered("/x", 500)
    request = collected.spans()["GET /x"]
    assert request.parent is None
    assert not request.status.is_ok


def test_given_a_share_of_none_then_only_a_traceparent_is_followed() -> None:
    collected = Collected(share=0.0)
    with collected.traces.request("GET", {}) as span:
        span.answered("/mine", 200)
    with collected.traces.request("GET", GIVEN) as span:
        span.answered("/theirs", 200)
    assert list(collected.spans()) == ["GET /theirs"]


def test_given_more_ended_calls_than_are_kept_then_the_oldest_has_no_header(
    collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collected_traces, "_ENDED_KEPT", 2)
    for number in range(3):
        collected.traces.call_changed(f"c{number}", "dialled", 1, {})
        collected.traces.call_ended(f"c{number}", 2, {})
    assert collected.traces.traceparent("c0") == ""
    assert collected.traces.traceparent("c2") != ""
    collected.traces.webhook("c0", 1, 2, {})
    collected.traces.call_ended("never begun", 1, {})
    assert "webhook" not in collected.spans()


@pytest.mark.parametrize("given", [GIVEN, {}, {"traceparent": "00-not-a-trace"}])
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_given_a_request_then_another_instance_can_go_on_with_its_trace(
    share: float, given: dict[str, str]
) -> None:
    first, second = Collected(share), Collected(share=1.0 - share)
    with first.traces.request("POST", given) as span:
        headers = first.traces.carried_on()
        span.answered("/a", 200)
    with second.traces.request("POST", headers) as span:
        span.answered("/b", 200)
    assert first.traces.carried_on() == {}
    collected = {**first.spans(), **second.spans()}
    assert set(collected) == ({"POST /a", "POST /b"} if share or given is GIVEN else set())
    if collected:
        above, below = collected["POST /a"].context, collected["POST /b"].parent
        assert above is not None
        assert below is not None
        assert (below.trace_id, below.span_id) == (above.trace_id, above.span_id)
        assert (hex_of(above.trace_id) == TRACE) == (given is GIVEN)
