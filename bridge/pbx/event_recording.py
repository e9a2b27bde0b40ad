"""Raw events of a PBX in a file, one JSON object per line, to replay them in tests.

A line is `{"received_ms": …, "headers": {…}}`. Caller ids and numbers are in it: it is for tests,
not for production logs.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import structlog

from bridge.calls.pbx_events import PbxEvent
from bridge.pbx.ami_message import Headers
from bridge.pbx.event_decode import decode_event

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    received_ms: int
    headers: Headers


class EventRecorder:
    """Appends to the file; each event is in it before the next one is handled.

    A recording with a gap replays to something else: it ends where it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._broken = False
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._file: TextIO = os.fdopen(descriptor, "a", encoding="utf-8", buffering=1)

    def write(self, headers: Headers, received_ms: int) -> None:
        """Never raises: the events themselves are worth more."""
        if self._broken:
            return
        line = {"received_ms": received_ms, "headers": headers}
        try:
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError as why:
            self._broken = True
            log.error("events are not recorded any more", file=str(self._path), why=str(why))

    def close(self) -> None:
        with contextlib.suppress(OSError):  # what could not be written is tried once more
            self._file.close()


def read_recording(path: Path) -> Iterator[RecordedEvent]:
    """The events of a recording, in order. Raises ValueError or KeyError for a damaged line."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                fields = json.loads(line)
                yield RecordedEvent(int(fields["received_ms"]), dict(fields["headers"]))


def replay(path: Path) -> Iterator[PbxEvent]:
    """The typed events of a recording, without those that nobody needs."""
    for recorded in read_recording(path):
        event = decode_event(recorded.headers, recorded.received_ms)
        if event is not None:
            yield event
