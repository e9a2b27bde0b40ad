"""The whole service on uvloop, whose transports and servers are of no class of asyncio."""

from __future__ import annotations

import asyncio
from pathlib import Path

import uvloop

from bridge.testing.eventually import eventually
from bridge.testing.webhook_receiver import Receiver

from .whole_service import whole_service

SETTINGS = {"events_private_targets": True, "http_connections_per_address_max": 3}


def test_given_uvloop_then_calls_events_and_refusals_of_connections_are_as_ever(
    tmp_path: Path,
) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_call_with_events(tmp_path))


async def _call_with_events(folder: Path) -> None:
    async with whole_service(folder, **SETTINGS) as running, Receiver() as receiver:
        async with running.client() as api:
            url = receiver.url("/state")
            call_id = await api.place(["210"], ["211"], extension="210", body={"statusUrl": url})
            await running.refuse_last()
            await api.wait_ended(call_id)
            await eventually(lambda: [x.json["state"] for x in receiver.received] == ["ended"])
        port = int(running.base_url.rpartition(":")[2])
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
        refusal = await asyncio.wait_for(opened[-1][0].read(), 10)
        assert refusal.startswith(b"HTTP/1.1 503 ")
        for _, writer in opened:
            writer.close()
