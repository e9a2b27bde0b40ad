"""The one ordered consumer of an AMI connection's events."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

import structlog

from bridge.calls.state.pbx_events import PbxEvent
from bridge.pbx.ami.event_decode import decode_event
from bridge.pbx.ami.event_file import EventRecorder
from bridge.pbx.ami.message import Headers

log = structlog.get_logger()

BATCH = 20
"""Events handled before others on the event loop get their turn: about a millisecond of work.

So many of one read are handled where they are read, which saves a turn of the loop for each.

With 200 a request that arrived among the events of 50 calls took up to twice as long."""


class EventStream:
    """Keeps the events of one connection in order until they are handled.

    `new_read` and `put` belong to the connection; `run` hands them on from the moment the snapshot
    is known.
    """

    def __init__(
        self,
        max_queued: int,
        on_overflow: Callable[[], None],
        recorder: EventRecorder | None = None,
        wall_clock: Callable[[], float] = time.time,
        lag: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._max_queued = max_queued
        self._on_overflow = on_overflow
        self._recorder = recorder
        self._wall_clock = wall_clock
        self._lag = lag
        self._queue: deque[tuple[float, Headers]] = deque()
        self._changed = asyncio.Event()
        self._closed = False
        self._deliver: Callable[[PbxEvent], None] | None = None  # while `run` runs
        self._at_once = BATCH  # of this read; more wait, as others on the loop do

    @property
    def waiting(self) -> int:
        """How many events wait for their turn."""
        return len(self._queue)

    def new_read(self) -> None:
        """The events that are `put` from here on came with another read of the socket."""
        self._at_once = BATCH

    def put(self, headers: Headers) -> None:
        """Never blocks. Too many waiting: all are given up, because a gap would go unnoticed."""
        if self._closed:
            return
        if self._deliver is not None and not self._queue and self._at_once > 0:
            self._at_once -= 1
            self._one(time.monotonic(), headers, self._deliver)
            return
        if len(self._queue) >= self._max_queued:
            self._queue.clear()
            self.close()
            self._on_overflow()
            return
        self._queue.append((time.monotonic(), headers))
        self._changed.set()

    def close(self) -> None:
        """No more events will come; `run` ends after the events that wait."""
        self._closed = True
        self._changed.set()

    async def run(self, deliver: Callable[[PbxEvent], None]) -> None:
        """Decode and deliver each event in order until `close`. Never raises for an event."""
        self._deliver = deliver
        try:
            while not self._closed or self._queue:
                await self._changed.wait()
                self._changed.clear()
                while self._queue:
                    for _ in range(min(BATCH, len(self._queue))):
                        self._one(*self._queue.popleft(), deliver)
                    await asyncio.sleep(0)
        finally:
            self._deliver = None

    def _one(self, received: float, headers: Headers, deliver: Callable[[PbxEvent], None]) -> None:
        lag_s = time.monotonic() - received
        received_ms = int((self._wall_clock() - lag_s) * 1000)
        try:
            if self._recorder is not None:
                self._recorder.write(headers, received_ms)
            event = decode_event(headers, received_ms)
            if event is not None:
                deliver(event)
                self._lag(time.monotonic() - received)
        except Exception:
            log.exception(
                "pbx_event_failed",
                pbx_event=headers.get("Event"),
                channel=headers.get("Uniqueid"),
                call_id=headers.get("Linkedid"),
            )
