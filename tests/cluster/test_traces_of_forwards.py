"""A request that is sent on to another instance is one trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.testing.lab.free_port import free_http_port
from tests.cluster.several_instances import several_instances
from tests.lab.trace_collector import TakenSpan, collecting

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CREATE = "POST /uapi/phoneCalls/{userId}/simple"


async def spans_of_a_create(folder: Path, database_url: str, traceparent: str) -> list[TakenSpan]:
    """Of a create at an instance that does not hold the PBX."""
    port = free_http_port()
    traced = {"traceparent": traceparent} if traceparent else {}
    async with collecting(port) as collector:
        url = f"http://127.0.0.1:{port}/v1/traces"
        async with several_instances(folder, database_url, otlp_traces_url=url) as several:
            await several.hold("one", "a")
            at_b = await several.client("b")
            made = await at_b.create(["5354353"], ["3235742879"], extension="210", headers=traced)
            assert made.status == 202, made.text
        # The end of each instance sends what waits.
        return collector.spans


@pytest.mark.parametrize("given", ["", f"00-{TRACE}-{PARENT}-01", "00-not-a-trace"])
async def test_the_holder_goes_on_with_the_trace_of_the_first_instance(
    tmp_path: Path, postgresql_url: str, given: str
) -> None:
    spans = await spans_of_a_create(tmp_path, postgresql_url, given)
    creates = {x.instance: x for x in spans if x.name == CREATE}
    first, sent_on = creates["b"], creates["a"]
    if TRACE in given:
        assert (first.trace, first.parent) == (TRACE, PARENT)
    else:
        assert (first.trace != TRACE, first.parent) == (True, "")
    assert (sent_on.trace, sent_on.parent) == (first.trace, first.span)
    # The span of the call itself has no end: the call lives when the test is over.
    assert [(x.trace, x.instance) for x in spans if x.name == "AMI Originate"] == [
        (first.trace, "a")
    ]
