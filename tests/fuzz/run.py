"""One run of schemathesis against a lab."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from dataclasses import dataclass
from pathlib import Path

from bridge.testing.lab.free_port import free_http_port
from bridge.testing.lab.openapi_check import openapi
from bridge.testing.lab.running_lab import RunningLab, open_lab

from .document import narrowed

METRICS_TOKEN = "metrics-of-the-fuzz-lab"
SETTINGS = {
    "metrics_token": METRICS_TOKEN,
    "events_private_targets": "true",
    # Calls are few at a time, and short.
    "calls_max": "20",
    "calls_per_second": "10",
    "call_duration_default_s": "2",
    "call_duration_max_s": "2",
    "wait_for_pickup_default_s": "2",
    "wait_for_pickup_max_s": "2",
    "destination_wait_s": "2",
    "verba_next_call_wait_s": "0.5",
    "verba_lookup_sleep_ms": "0",
    # Each wrong token would else bring 429 nearer.
    "wrong_secrets_per_client_max": "0",
    "wrong_secrets_per_address_max": "0",
    "body_timeout_s": "5",
}
_ROOT = Path(__file__).parents[2]
_CONFIGURATION = Path(__file__).parent / "schemathesis.toml"
_SHORT_S = 300.0  # without a number of seconds; a busy machine takes several times its 60 s
_STOP_S = 60.0  # it ends a case, writes a summary, and goes


@dataclass(frozen=True)
class Report:
    """`faults`: whether a check failed or schemathesis did; `text`: all that it printed."""

    faults: bool
    text: str


async def open_fuzz_lab(folder: Path) -> RunningLab:
    """A lab with settings that keep calls few and short; the caller closes it."""
    return await open_lab(folder, SETTINGS)


async def fuzz(
    lab: RunningLab, folder: Path, *, examples: int, seed: int, seconds: int | None = None
) -> Report:
    """Ask the service of `lab` for all of the document; files go to `folder`.

    `examples`: of each operation; the same seed makes the same requests. With `seconds` requests
    are made until they are over.
    """
    nobody_at = f"http://127.0.0.1:{free_http_port()}/event"
    document = folder / "openapi.json"
    document.write_text(json.dumps(narrowed(openapi(), nobody_at)))
    async with lab.client() as client:
        token = await client.authenticate()
    process = await asyncio.create_subprocess_exec(
        *(Path(sys.executable).with_name("schemathesis"), "--config-file", _CONFIGURATION),
        *("run", document, "--url", lab.bridge.base_url, "--no-color", "--workers", "1"),
        *("--max-examples", str(examples), "--seed", str(seed), "--generation-database", "none"),
        *(() if seconds is None else ("--max-time", str(seconds))),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(_ROOT),
            "SCHEMATHESIS_HOOKS": "tests.fuzz.checks",
            "BRIDGE_TOKEN": token,
            "CLIENT_SECRET": lab.bridge.secret("app/user-12"),
            "METRICS_TOKEN": METRICS_TOKEN,
            "VERBA_KEY": lab.bridge.secret("verba-key/erasure"),
        },
    )
    try:
        async with asyncio.timeout((seconds or _SHORT_S) + _STOP_S):
            printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Report(process.returncode != 0, printed.decode())
