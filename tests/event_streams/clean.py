"""Make a recording that anybody may see of what somebody met:

    .venv/bin/python -m tests.event_streams.clean FILE STORY [--text TEXT] [--directory YAML]

FILE is what `BRIDGE_RECORD_PBX_EVENTS_TO` wrote, cut to the lines of the call; YAML the directory
of that service, if it was not the shipped example. Written are `recordings/STORY.jsonl`, for a
directory `STORY.yaml`, and `STORY.txt`. TEXT is who does what, without anybody's name; without it,
it is to be filled in afterwards. Only headers that are
listed here are kept, and their values only as `tests/event_streams/replacements.py` says.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.pbx.ami.event_decode import decode_event
from tests.event_streams.recorded_events import RecordedEvent, read_recording
from tests.unit.calls.replaying import RECORDINGS
from tests.unit.calls.story_text import expected_file, story_text

from .cleaned_directory import cleaned_directory
from .created_calls import created_calls
from .replacements import Replacements

FILL_IN = "FILL IN: who calls whom, who picks up, who hangs up."

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("story", help="its name, as in office/ring_group")
    parser.add_argument("--text", default=FILL_IN, help="who does what, in a sentence")
    parser.add_argument("--directory", type=Path, help="default: the shipped example")
    chosen = parser.parse_args()
    target = RECORDINGS / f"{chosen.story}.jsonl"
    difference = make_story(chosen.file, target, chosen.directory, chosen.text)
    name = str(target.with_suffix(""))
    expected_file(name).write_text(f"{chosen.text}\n\n{story_text(name)}", encoding="utf-8")
    sys.stdout.write(f"{expected_file(name)}\n")
    if difference:
        raise SystemExit(f"It does not say what the original says:\n{difference}")


if __name__ == "__main__":
    main()
