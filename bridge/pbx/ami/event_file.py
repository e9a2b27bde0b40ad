"""Raw events of a PBX in a file, one JSON object per line, to replay them in tests.

A line is `{"received_ms": …, "headers": {…}}`. Caller ids and numbers are in it: it is for tests,
not for production logs.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import TextIO

import structlog

from bridge.pbx.ami.message import Headers

log = structlog.get_logger()


class EventRecorder:
    """Appends to the file; each event is in it before the next one is handled.

    A recording with a gap would replay wrongly, so it ends at the first line that cannot be
    written.
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
            log.error("event_recording_stopped", file=str(self._path), why=str(why))

    def close(self) -> None:
        """Close the file. Raises nothing."""
        with contextlib.suppress(OSError):  # what could not be written is tried once more
            self._file.close()
