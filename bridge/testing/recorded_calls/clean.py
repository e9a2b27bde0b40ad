"""Makes a recording that anybody may see of a call that somebody met.

Only headers that are listed here are kept, and their values only as `replacements.py` says.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.pbx.ami.event_decode import decode_event

from .cleaned_directory import cleaned_directory
from .created_calls import created_calls
from .recorded_events import RecordedEvent, read_recording
from .replacements import Replacements
from .story_text import FILL_IN, story_text

# Every header with such an end: also `DestChannel`, `TransfererChannel`, `LocalOneChannel` ….
_PERSONS = ("CallerIDName", "ConnectedLineName")
_TOKENS = (
    *("Channel", "Uniqueid", "UniqueId", "Linkedid", "CallerIDNum", "ConnectedLineNum"),
    *("Exten", "Extension", "Context", "AccountCode", "DialString", "Forward", "ActionID"),
    *("BridgeName", "Queue", "Interface", "Location", "Sources", "Destinations", "Data"),
)
_KEPT = (
    *("Event", "Timestamp", "ChannelState", "ChannelStateDesc", "Priority", "Cause", "TechCause"),
    *("Cause-txt", "DialStatus", "Result", "Reason", "Response", "Success", "IsExternal"),
    *("LocalOptimization", "BridgeUniqueid", "BridgeType", "BridgeTechnology", "DestType"),
    *("BridgeNumChannels", "ParkingSpace", "ParkingTimeout", "ParkingDuration"),
    *("CallId", "PublishedMs", "DurationS", "Text", "Application"),
    *("ActionOfApp", "ViewId", "AskedMs"),
)
_HARMLESS = re.compile(r"[A-Za-z0-9 /,._()-]*\Z")
_OF_REGISTRATIONS = ("PeerStatus", "ContactStatus")


def clean(events: Iterable[RecordedEvent], replacements: Replacements) -> list[RecordedEvent]:
    """The events that the service decodes, and the lines of stories, with everything replaced."""
    return [
        RecordedEvent(x.received_ms, dict(_headers(x, replacements)))
        for x in events
        if _is_wanted(x)
    ]


def _is_wanted(event: RecordedEvent) -> bool:
    kind = event.headers.get("Event", "")
    if kind == "Story":
        return True
    return kind not in _OF_REGISTRATIONS and (
        decode_event(event.headers, event.received_ms) is not None
    )


def _headers(event: RecordedEvent, replacements: Replacements) -> Iterator[tuple[str, str]]:
    for header, value in event.headers.items():
        if header.endswith(_PERSONS):
            yield header, replacements.person(value)
        elif header.endswith(_TOKENS):
            yield header, replacements.tokens(value)
        elif header == "Text" or (header.endswith(_KEPT) and _HARMLESS.match(value)):
            yield header, value


def told(event: RecordedEvent) -> str:
    line = {"received_ms": event.received_ms, "headers": event.headers}
    return json.dumps(line, ensure_ascii=False) + "\n"


def numbers_in(events: Iterable[RecordedEvent]) -> list[str]:
    return [value for x in events for h, value in x.headers.items() if h.endswith(_TOKENS)]


def make_story(file: Path, target: Path, directory: Path | None = None, text: str = FILL_IN) -> str:
    """Write the files of a story; returns what its replay says otherwise than the original's."""
    events = list(read_recording(file))
    current = CurrentDirectory(directory or EXAMPLE_FILE, ThrowawaySecrets())
    if not any(x.headers["Event"] == "Story" for x in events):
        events = [*created_calls(events, current.directory, text), *events]
    known = directory.read_text(encoding="utf-8") if directory else ""
    replacements = Replacements([*numbers_in(events), known])
    target.parent.mkdir(parents=True, exist_ok=True)
    if directory is not None:
        cleaned = cleaned_directory(current.directory, replacements)
        target.with_suffix(".yaml").write_text(cleaned, encoding="utf-8")
    lines = "".join(map(told, clean(events, replacements)))
    target.with_suffix(".jsonl").write_text(lines, encoding="utf-8")
    return _difference(events, directory, target, replacements)


def _difference(
    events: list[RecordedEvent], directory: Path | None, target: Path, replacements: Replacements
) -> str:
    with tempfile.TemporaryDirectory(prefix="events-") as folder:
        original = Path(folder) / "original"
        original.with_suffix(".jsonl").write_text("".join(map(told, events)), encoding="utf-8")
        if directory is not None:
            text = directory.read_text(encoding="utf-8")
            original.with_suffix(".yaml").write_text(text, encoding="utf-8")
        before = story_text(str(original)).splitlines()
    after = story_text(str(target.with_suffix(""))).splitlines()
    wanted = [_replaced(x, replacements) for x in before]
    pairs = zip([*wanted, *[""] * len(after)], [*after, *[""] * len(wanted)], strict=False)
    return "\n".join(f"- {x}\n+ {y}" for x, y in pairs if _bare(x) != _bare(y))


def _bare(line: str) -> list[str]:
    """Without what depends on how long a name is, and whether a quote is in it."""
    return line.replace('"', "'").split()


def _replaced(line: str, replacements: Replacements) -> str:
    """A line of the original's text with everything replaced that was replaced in the events."""
    if line.startswith(">"):
        return line
    made = sorted(replacements.made, key=len, reverse=True)
    pattern = "|".join(map(re.escape, made))
    word = re.compile(rf"(?<![\w+*.])(?:{pattern})(?![\w*])")
    return word.sub(lambda x: replacements.made[x.group()], line) if made else line
