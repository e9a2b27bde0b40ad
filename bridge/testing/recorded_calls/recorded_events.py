"""The events of a recording, as bridge/pbx/ami/event_file.py has written them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.calls.state.pbx_events import PbxEvent
from bridge.pbx.ami.event_decode import decode_event
from bridge.pbx.ami.message import Headers


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One event of a PBX, with the moment of the service's clock when it came, in ms since 1970."""

    received_ms: int
    headers: Headers


def read_recording(path: Path) -> Iterator[RecordedEvent]:
    """The events of a recording, in order. Raises ValueError or KeyError for a damaged line."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                fields = json.loads(line)
                yield RecordedEvent(int(fields["received_ms"]), dict(fields["headers"]))


def replay(path: Path) -> Iterator[PbxEvent]:
    """The typed events of a recording; unused events are left out."""
    for recorded in read_recording(path):
        event = decode_event(recorded.headers, recorded.received_ms)
        if event is not None:
            yield event
