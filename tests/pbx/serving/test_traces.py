"""BRIDGE_OTLP_TRACES_URL: a create with a `traceparent` is one trace up to its webhook."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bridge.testing.eventually import eventually
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.lab.running_lab import open_lab
from tests.lab.trace_collector import collecting

TRACE = "0af7651916cd43dd8448eb211c80319c"
ANSWERS, TALKS = "3235550201", "3235550202"


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
        } <= collector.names(TRACE)


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
