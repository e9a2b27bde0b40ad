"""A call is in the trace of its request, however soon its first events come."""

from __future__ import annotations

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bridge.pbx.ami.link import AmiLink
from bridge.testing.eventually import eventually
from bridge.tracing.collected_traces import CollectedTraces
from tests.scripted_ami.orders import CALL_ID, order, quick_settings
from tests.scripted_ami.recording_listener import RecordingListener
from tests.scripted_ami.server import ScriptedAmi

TRACE = "0af7651916cd43dd8448eb211c80319c"


async def test_given_events_before_the_answer_is_awaited_then_they_are_of_that_trace(
    ami: ScriptedAmi,
) -> None:
    """The turn of the loop that writes an Originate may also read what the PBX says to it."""
    exporter = InMemorySpanExporter()
    traces = CollectedTraces(exporter, share=0.0, instance="main")
    link = AmiLink(quick_settings(ami), originating=traces.originating)
    link.listen(RecordingListener())
    await link.start()
    await eventually(lambda: link.link.up, 10)
    with traces.request("POST", {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}):
        answer = link.originate(order())
    traces.call_changed(CALL_ID, "ringing", 1_000, {})
    await answer
    assert traces.traceparent(CALL_ID).startswith(f"00-{TRACE}-")
    traces.call_ended(CALL_ID, 2_000, {})
    await link.stop()
    traces.close()
    spans = {
        x.name: x.context and f"{x.context.trace_id:032x}" for x in exporter.get_finished_spans()
    }
    assert spans == {"POST": TRACE, "AMI Originate": TRACE, "call": TRACE}
