"""Webhook deliveries to one receiver, beside an aiohttp client that does only that."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from bridge.testing.eventually import eventually
from bridge.testing.softphones.ports import free_port

from .bare_http import BareHttp
from .directory_file import DESTINATION, SOURCE
from .figures import Measure, ratio
from .generated_calls import CallTemplate
from .plan import Plan
from .progress import progress
from .scripted_stage import ScriptedStage, open_scripted_stage

_HANG_UP = 2
_LIMIT_S = 60
_POLL_S = 0.005
_SETTINGS = {"events_private_targets": "true", "events_timeout_s": str(_LIMIT_S)}
# As long as what the service sends.
_BODY = "&".join(f"parameter{number}=value{number:020d}" for number in range(12)).encode()


async def webhooks(
    folder: Path, template: CallTemplate, plan: Plan
) -> tuple[list[float], list[float]]:
    """Deliveries per second of the service, and of the client by hand, by round.

    All events are on disk before the first is answered, so that nothing else takes time.
    """
    mine, by_hand = [], []
    async with (
        open_scripted_stage(folder / "webhooks", template, 0, _SETTINGS) as stage,
        _receiver() as (receiver, url),
    ):
        body = json.dumps({"type": _HANG_UP, "url": url, "method": 1}).encode()
        path = "/uapi/extensions/@me/210/phoneCallEvents"
        status, answer = await stage.http.request("POST", path, body)
        assert status == 200, answer
        for number in range(plan.delivery_rounds):
            progress(f"webhooks, round {number + 1} of {plan.delivery_rounds}")
            by_hand.append(await _by_hand(url, plan.deliveries))
            mine.append(await _of_service(stage, receiver, plan.deliveries))
    return mine, by_hand


async def _of_service(stage: ScriptedStage, receiver: BareHttp, deliveries: int) -> float:
    await receiver.request("GET", "/hold")
    before = await _received(receiver)
    database = sqlite3.connect(f"file:{stage.service.state_dir / 'bridge.db'}?mode=ro", uri=True)
    query = "SELECT count(*) FROM event_deliveries"
    wanted = database.execute(query).fetchone()[0] + deliveries
    for call_id in await stage.add_live_calls([(SOURCE, DESTINATION)] * deliveries):
        await stage.end(call_id)
    await eventually(lambda: database.execute(query).fetchone()[0] >= wanted, _LIMIT_S)
    database.close()
    began = time.monotonic()
    await receiver.request("GET", "/release")
    async with asyncio.timeout(_LIMIT_S):
        while await _received(receiver) < before + deliveries:  # noqa: ASYNC110
            # What is measured: not rounded to the pause of `eventually`.
            await asyncio.sleep(_POLL_S)
    return deliveries / (time.monotonic() - began)


async def _by_hand(url: str, deliveries: int) -> float:
    async with aiohttp.ClientSession() as session:
        began = time.monotonic()
        for _ in range(deliveries):
            async with session.post(url, data=_BODY) as response:
                await response.read()
    return deliveries / (time.monotonic() - began)


async def _received(receiver: BareHttp) -> int:
    return int((await receiver.request("GET", "/received"))[1])


@asynccontextmanager
async def _receiver() -> AsyncIterator[tuple[BareHttp, str]]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.webhook_receiver", str(port)
    )
    http = BareHttp("127.0.0.1", port, "")
    try:
        await eventually(lambda: _listens(http), _LIMIT_S)
        yield http, f"http://127.0.0.1:{port}/events"
    finally:
        await http.close()
        process.kill()
        await process.wait()


async def _listens(http: BareHttp) -> bool:
    try:
        await http.request("GET", "/received")
    except ConnectionError:
        return False
    return True


def webhooks_measure(mine: list[float], by_hand: list[float]) -> Measure:
    name = "webhook deliveries per second, one receiver"
    return ratio(name, "/s", mine, "aiohttp client by hand", by_hand, 0.6, at_least=True)
