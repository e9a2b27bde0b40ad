"""BRIDGE_OTLP_TRACES_URL: a create with a `traceparent` is one trace up to its webhook."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bridge.testing.eventually import eventually
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.lab.running_lab import open_lab

TRACE = "0af7651916cd43dd8448eb211c80319c"
ANSWERS, TALKS = "3235550201", "3235550202"


class Collector:
    """Takes traces as a collector does, and events as a receiver does."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.traceparents: list[str] = []

    async def take_traces(self, request: web.Request) -> web.Response:
        sent = ExportTraceServiceRequest.FromString(await request.read())
        for of_service in sent.resource_spans:
            for of_scope in of_service.scope_spans:
                self.names += [x.name for x in of_scope.spans if x.trace_id.hex() == TRACE]
        return web.Response()

    async def take_event(self, request: web.Request) -> web.Response:
        self.traceparents.append(request.headers.get("traceparent", ""))
        return web.Response()


@asynccontextmanager
async def collecting(port: int) -> AsyncIterator[Collector]:
    collector = Collector()
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


async def test_given_a_traceparent_when_a_call_is_made_then_its_trace_reaches_the_receiver(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("traces")  # the socket of Asterisk must have a short name
    port = free_http_port()
    settings = {
        "otlp_traces_url": f"http://127.0.0.1:{port}/v1/traces",
        "events_private_targets": "true",
        "traces_share": "0",
    }
    async with collecting(port) as collector:
        async with await open_lab(folder, settings) as lab, lab.client() as api:
            event = {"type": "2", "url": f"http://127.0.0.1:{port}/events", "method": "1"}
            made = await api.request("POST", "/uapi/extensions/@me/210/phoneCallEvents", body=event)
            assert made.status == 200, made.text
            traced = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
            call_id = await api.place([ANSWERS], [TALKS], extension="210", headers=traced)
            await api.wait_status(call_id, 5)
            await api.hang_up("210", call_id)
            await eventually(lambda: bool(collector.traceparents), 10)
        # The end of the service sends what waits.
        assert collector.traceparents[0].startswith(f"00-{TRACE}-")
        assert {
            "POST /uapi/phoneCalls/{userId}/simple",
            "AMI Originate",
            "call",
            "webhook",
        } <= set(collector.names)


def test_given_no_packages_for_it_when_served_then_the_message_names_them(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['opentelemetry'] = None; from bridge.cli import main; "
        "sys.argv = ['uapi-bridge', 'serve']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            "PATH": "/usr/bin:/bin",
            "BRIDGE_STATE_DIR": str(tmp_path / "state"),
            "BRIDGE_PBX_HOST": "127.0.0.1",
            "BRIDGE_OTLP_TRACES_URL": "http://127.0.0.1:4318/v1/traces",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "uapi-bridge[otel]" in done.stderr.splitlines()[-1]
