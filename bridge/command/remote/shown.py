"""Calls and phones for a person at a terminal, or as JSON for a program."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from bridge.client import PhoneCall, Status, Timeline
from bridge.command.json_text import json_text

_DISPOSITIONS = ("answered", "busy", "failed", "no answer", "unknown", "not allowed")
_STATUSES = {
    Status.UNKNOWN: "",
    Status.OFF_HOOK: "off hook",
    Status.TRYING: "trying",
    Status.RINGING: "ringing",
    Status.OTHER_SIDE_RINGING: "other side rings",
    Status.ON_CALL: "talks",
}
_IN_COLUMNS = ("type", "ms", "number")
_PRESENCE = {"0": "not there", "1": "free", "2": "rings", "3": "busy"}


def print_json(value: object) -> None:
    """One JSON document, in UTF-8."""
    print(json_text(value))


def print_json_line(value: object) -> None:
    """The same on one line, at once."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def call_line(call: PhoneCall) -> str:
    """One call in a line: its parties with their status, or how it came out."""
    parties = " → ".join(
        f"{x.extension or _number(x.source if i == 0 else x.destination)} {_STATUSES[x.status]}"
        f"{' (on hold)' if x.on_hold else ''}".strip()
        for i, x in enumerate(call.views)
    )
    if call.ended is None:
        return f"{call.id}  {parties}"
    return f"{call.id}  {_outcome(call)}"


def print_calls(calls: Iterable[PhoneCall]) -> None:
    """A table of calls."""
    table = _table("id", "since", "source", "destination", "state")
    for call in calls:
        first = call.views[0] if call.views else None
        table.add_row(
            call.id,
            _clock(call.published),
            ", ".join(first.source) if first else "",
            ", ".join(first.destination) if first else "",
            _outcome(call) if call.ended else _STATUSES[call.status],
        )
    Console().print(table)


def print_call(call: PhoneCall) -> None:
    """Everything of one call."""
    table = Table.grid(padding=(0, 2))
    for name, value in call.raw.items():
        if name not in ("links", "link", "phoneCallView"):
            table.add_row(name, str(value))
    for view in call.raw.get("phoneCallView", ()):
        table.add_row(f"view {view['id']}", ", ".join(f"{k} {v}" for k, v in view.items()))
    Console().print(table)


def print_timeline(timeline: Timeline) -> None:
    """A table of the entries, with the seconds since the first one."""
    table = _table("time", "s", "what", "number", "")
    first_ms = timeline.entries[0].ms if timeline.entries else 0
    for entry in timeline.entries:
        told = (f"{k} {v}" for k, v in entry.raw.items() if k not in _IN_COLUMNS)
        moment = datetime.fromtimestamp(entry.ms / 1000, UTC)
        table.add_row(
            moment.strftime("%H:%M:%S.") + f"{entry.ms % 1000:03d}",
            f"{(entry.ms - first_ms) / 1000:.3f}",
            entry.type,
            entry.number or "",
            ", ".join(told),
        )
    if timeline.truncated:
        table.caption = "Entries in the middle are left out."
    Console().print(table)


def print_log(lines: Iterable[str]) -> None:
    """The lines as they are, but for what could command the terminal."""
    for line in lines:
        print(line if line.isprintable() else ascii(line)[1:-1])


def print_phones(entries: Iterable[Mapping[str, Any]]) -> None:
    """A table of extensions with their registered phones."""
    table = _table("extension", "state", "phone", "address", "registered until")
    for entry in entries:
        state = _PRESENCE.get(str(entry.get("status")), "")
        phones = entry.get("registration") or [{}]
        for phone in phones:
            table.add_row(
                str(entry["extension"]),
                state,
                str(phone.get("agent", "")),
                str(phone.get("address", "")),
                str(phone.get("expire", "")),
            )
    Console().print(table)


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, no_wrap=name == "id", overflow="fold")
    return table


def _outcome(call: PhoneCall) -> str:
    disposition = call.disposition
    known = disposition is not None and 0 <= disposition < len(_DISPOSITIONS)
    word = _DISPOSITIONS[disposition] if known and disposition is not None else "ended"
    return f"{word}, ended by {call.ended_by or 'unknown'}: {call.reason or ''}".rstrip(": ")


def _number(numbers: Sequence[str]) -> str:
    return numbers[0] if numbers else "?"


def _clock(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).strftime("%H:%M:%S")
