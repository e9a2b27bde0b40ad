"""The one ordered consumer of an AMI connection's events."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from bridge.calls.pbx_events import PbxEvent
from bridge.pbx.ami_message import Headers
from bridge.pbx.event_decode import decode_event
from bridge.pbx.event_recording import EventRecorder

log = structlog.get_logger()

BATCH = 20
"""Events handled before others on the event loop get their turn: about a millisecond of work.

With 200 a request that arrived among the events of 50 calls took up to twice as long."""


@dataclass(slots=True)
class StreamMeasures:
    """Counts since the link object exists. Lag: from the arrival of an event to its handling."""

    received: int = 0
    delivered: int = 0
    failed: int = 0
    overflows: int = 0
    last_lag_ms: float = 0.0
    max_lag_ms: float = 0.0


class EventStream:
    """Keeps the events of one connection in order until they are handled.

    `put` belongs to the connection; `run` hands them on from the moment the snapshot is known.
    """

    def __init__(
        self,
        max_queued: int,
        measures: StreamMeasures,
        on_overflow: Callable[[], None],
        recorder: EventRecorder | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._max_queued = max_queued
        self._measures = measures
        self._on_overflow = on_overflow
        self._recorder = recorder
        self._wall_clock = wall_clock
        self._queue: deque[tuple[float, Headers]] = deque()
        self._changed = asyncio.Event()
        self._closed = False

    @property
    def queued(self) -> int:
        return len(self._queue)

    def put(self, headers: Headers) -> None:
        """Never blocks. Too many waiting: all are given up, because a gap would go unnoticed."""
        if self._closed:
            return
        self._measures.received += 1
        if len(self._queue) >= self._max_queued:
            self._measures.overflows += 1
            self._queue.clear()
            self.close()
            self._on_overflow()
            return
        self._queue.append((time.monotonic(), headers))
        self._changed.set()

    def close(self) -> None:
        """No more events will come; `run` ends after those that are waiting."""
        self._closed = True
        self._changed.set()

    async def run(self, deliver: Callable[[PbxEvent], None]) -> None:
        """Decode and deliver each event in order until `close`. Never raises for an event."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            while self._queue:
                for _ in range(min(BATCH, len(self._queue))):
                    self._one(*self._queue.popleft(), deliver)
                await asyncio.sleep(0)
            if self._closed and not self._queue:
                return

    def _one(self, received: float, headers: Headers, deliver: Callable[[PbxEvent], None]) -> None:
        lag_s = time.monotonic() - received
        measures = self._measures
        measures.last_lag_ms = lag_s * 1000
        measures.max_lag_ms = max(measures.max_lag_ms, measures.last_lag_ms)
        received_ms = int((self._wall_clock() - lag_s) * 1000)
        try:
            if self._recorder is not None:
                self._recorder.write(headers, received_ms)
            event = decode_event(headers, received_ms)
            if event is not None:
                deliver(event)
                measures.delivered += 1
        except Exception:
            measures.failed += 1
            log.exception(
                "pbx_event_failed",
                event_name=headers.get("Event"),
                uniqueid=headers.get("Uniqueid"),
                linkedid=headers.get("Linkedid"),
            )
