"""Streams of calls: many listeners, and calls that begin at a steady rate.

An app orders the calls. Each listener follows an extension of its own, as an app on a desk does. A
few follow all of them, as a wallboard does. The lag is
from the event of an answer on the wire to the bytes of the change at a listener.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bridge.testing.eventually import eventually

from .directory_file import LISTENER_ID, OTHERS_USER, other
from .figures import Measure, difference, percentile, value
from .generated_calls import CallTemplate
from .plan import Plan
from .process_cost import CpuMeter
from .progress import progress
from .scripted_stage import TALKS, ScriptedStage, open_scripted_stage
from .stage import token_of

_OPEN_LIMIT_S = 60
_HEARD_LIMIT_S = 60
_SETTINGS = {
    "http_connections_max": "4000",
    "http_connections_per_address_max": "4000",
    "call_streams_max": "4000",
    "call_streams_per_app_max": "4000",
}
_ALL = "@self"


class Listener(asyncio.Protocol):
    """One open stream. `heard` has the moment at which the answer of each call was here."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._last = b""
        self.heard: dict[str, float] = {}
        self.began = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self.began.done():
            if b"event: state" in data or b"event: state" in self._last + data:
                self.began.set_result(None)
            elif not (self._last + data).startswith(b"HTTP/1.1 200"):
                self.began.set_exception(AssertionError(self._last + data))
        now = time.monotonic()
        for event in (self._last + data).split(b"event: call")[1:]:
            if TALKS in event:
                self.heard.setdefault(_id_in(event), now)
        # An event may arrive in two pieces.
        self._last = data[-4_096:]


def _id_in(event: bytes) -> str:
    begin = event.index(b'"id":"') + len(b'"id":"')
    return event[begin : event.index(b'"', begin)].decode()


async def listeners(
    folder: Path, template: CallTemplate, plan: Plan
) -> tuple[list[float], list[float], list[float]]:
    """By round: lag in ms (p99), CPU in ms per call with listeners, and without."""
    lags, with_listeners, without = [], [], []
    others = 2 * plan.listeners  # sources with a listener each, and destinations without
    async with open_scripted_stage(folder / "listeners", template, others, _SETTINGS) as stage:
        calls = _Calls(stage, plan)
        await calls.play([])  # warm-up
        for number in range(plan.listener_rounds):
            progress(f"listeners, round {number + 1} of {plan.listener_rounds}")
            _, cpu_ms = await calls.play([])
            without.append(cpu_ms)
            async with _listening(stage, plan) as open_streams:
                heard_ms, cpu_ms = await calls.play(open_streams)
            lags.append(percentile(heard_ms, 99))
            with_listeners.append(cpu_ms)
    return lags, with_listeners, without


class _Calls:
    def __init__(self, stage: ScriptedStage, plan: Plan) -> None:
        self._stage = stage
        self._plan = plan

    async def play(self, open_streams: list[Listener]) -> tuple[list[float], float]:
        """Lags in ms of every listener that has heard of a call, and CPU in ms per call."""
        plan, stage = self._plan, self._stage
        answered: dict[str, float] = {}
        count = max(2, int(plan.listener_calls_per_s * plan.listener_seconds))
        cpu = CpuMeter({"service": [self._stage.service.pid]})
        began = time.monotonic()
        for number in range(count):
            early_s = began + number / plan.listener_calls_per_s - time.monotonic()
            if early_s > 0:
                await asyncio.sleep(early_s)  # until the moment at which the call is due
            place = number % plan.listeners
            call_id = await stage.order(other(place), other(plan.listeners + place))
            answered[call_id] = time.monotonic()
            await stage.answer(call_id)
        await self._heard(open_streams, count)
        for call_id in answered:
            await stage.end(call_id)
        await stage.wait_live_calls(0)
        cpu_ms = cpu.read()["service"] / count
        return [
            (heard - answered[call_id]) * 1000
            for listener in open_streams
            for call_id, heard in listener.heard.items()
        ], cpu_ms

    async def _heard(self, open_streams: list[Listener], count: int) -> None:
        """Until the wallboards have heard of every call."""
        wallboards = open_streams[: self._plan.wallboards]
        await eventually(lambda: all(len(x.heard) >= count for x in wallboards), _HEARD_LIMIT_S)


@asynccontextmanager
async def _listening(stage: ScriptedStage, plan: Plan) -> AsyncIterator[list[Listener]]:
    """Wallboards first, then one listener for each extension."""
    token = await token_of(stage.service, LISTENER_ID)
    paths = [_ALL] * plan.wallboards + [other(x) for x in range(plan.listeners)]
    async with AsyncExitStack() as stack:
        opened = []
        for path in paths:
            request = (
                f"GET /uapi/phoneCalls/{OTHERS_USER}/{path}/stream HTTP/1.1\r\n"
                f"Host: bench\r\nAuthorization: Bearer {token}\r\n\r\n"
            ).encode()
            _, listener = await asyncio.get_running_loop().create_connection(
                lambda request=request: Listener(request),  # type: ignore[misc]
                "127.0.0.1",
                int(stage.service.base_url.rpartition(":")[2]),
            )
            stack.callback(listener.transport.close)
            opened.append(listener)
        async with asyncio.timeout(_OPEN_LIMIT_S):
            await asyncio.gather(*(x.began for x in opened))
        yield opened


def listener_measures(
    lags: list[float], with_listeners: list[float], without: list[float], plan: Plan
) -> list[Measure]:
    load = f"{plan.listeners:,} listeners at {plan.listener_calls_per_s:g} calls/s"
    return [
        value(f"event on the wire to a stream, {load}, p99", "ms", lags, 50),
        difference(
            f"CPU of the service per call, {load}",
            "ms",
            with_listeners,
            "the same calls without listeners",
            without,
            5,
        ),
    ]
