"""A cleaned recording tells the same story, and nothing of whose story it was."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from bridge.directory.loader import EXAMPLE_FILE
from bridge.testing.recorded_calls.clean import make_story, told
from bridge.testing.recorded_calls.recorded_events import RecordedEvent
from bridge.testing.recorded_calls.replacements import Replacements

from .replaying import STORIES, directory_file, recorded
from .story_text import story_text

# What is in the recordings, and what somebody might have in the place of it.
PRIVATE = {
    "0003*": "0042*",
    "5550003": "4940123",
    "32355501": "49301234",
    "32355502": "49307654",
    "PJSIP/trunk": "PJSIP/telekom-4711",
    "@trunk": "@telekom-4711",
    "Alice": "Erika Mustermann",
    "Bob Brown": "Sean O\\'Neill",
    "Ján": "Jürgen",
    "from-trunk": "from-acme-gmbh",
}
WORDS = [
    *("0042*", "4940123", "49301234", "49307654", "telekom", "4711", "Erika", "Mustermann"),
    *("Neill", "Jürgen", "acme", "192.168", "Alice", "Bob"),
]


def _private(event: RecordedEvent) -> RecordedEvent:
    """The event as it might have been at somebody's."""
    headers = {}
    for header, value in event.headers.items():
        for word, private in PRIVATE.items():
            value = value.replace(word, private)
        if re.fullmatch(r"[0-9]+\.[0-9]+", value) and header != "Timestamp":
            value = f"pbx.acme.example-{value}"  # with a systemname in asterisk.conf
        if header == "DialString" and "@" not in value and "." in event.headers.get("Uniqueid", ""):
            value = f"{value}/sip:erika@192.168.7.9:5062;ob"  # as several devices are dialled
        headers[header] = value
    return RecordedEvent(event.received_ms, headers)


def _outside(story: str, folder: Path) -> Path:
    file = folder / "met.jsonl"
    file.write_text("".join(map(told, recorded(story))), encoding="utf-8")
    return file


def _directory(story: str) -> Path | None:
    file = directory_file(story)
    return None if file == EXAMPLE_FILE else file


# Of the office one in four, for the time it takes; with EVERY_RECORDING=1 all of them.
CLEANED = [
    story
    for number, story in enumerate(STORIES)
    if os.environ.get("EVERY_RECORDING") or not story.startswith("office/") or number % 4 == 0
]


@pytest.mark.parametrize("story", CLEANED)
def test_given_a_recording_when_cleaned_then_it_tells_the_same_story(
    story: str, tmp_path: Path
) -> None:
    target = tmp_path / "cleaned.jsonl"
    assert make_story(_outside(story, tmp_path), target, _directory(story)) == ""
    assert "ended" in story_text(str(tmp_path / "cleaned"))


@pytest.mark.parametrize("story", [x for x in STORIES if directory_file(x) == EXAMPLE_FILE])
def test_given_a_recording_of_somebody_when_cleaned_then_no_private_word_is_left(
    story: str, tmp_path: Path
) -> None:
    events = [_private(x) for x in recorded(story) if x.headers["Event"] != "Story"]
    directory = re.sub(r"\b0003\b", "0042", EXAMPLE_FILE.read_text(encoding="utf-8"))
    for word, private in PRIVATE.items():
        directory = directory.replace(word, private.replace("\\", ""))
    file, yaml = tmp_path / "met.jsonl", tmp_path / "met.yaml"
    file.write_text("".join(map(told, events)), encoding="utf-8")
    yaml.write_text(directory, encoding="utf-8")
    assert make_story(file, tmp_path / "cleaned.jsonl", yaml) == ""
    written = {x.suffix: x.read_text(encoding="utf-8") for x in tmp_path.glob("cleaned.*")}
    assert set(written) == {".jsonl", ".yaml"}
    assert [word for word in WORDS if word in "".join(written.values())] == []


def test_given_a_number_in_several_forms_when_replaced_then_it_is_still_one_number() -> None:
    forms = ["+493012345678", "493012345678", "03012345678", "900493012345678"]
    replacements = Replacements([*forms, "493012345679"])
    first, *others = [replacements.tokens(x) for x in forms]
    base = first.removeprefix("+49")
    assert others == [f"49{base}", f"0{base}", f"90049{base}"]
    assert len(base) == len("3012345678")
    assert not set(forms) & {first, *others}
    assert base not in replacements.tokens("493012345679")


@pytest.mark.parametrize("kept", ["211", "*72", "s", "<unknown>", "", "PJSIP/trunk-0000001a"])
def test_given_what_is_nobodys_when_replaced_then_it_stays(kept: str) -> None:
    assert Replacements([]).tokens(kept) == kept


@pytest.mark.parametrize(
    ("original", "replacement"),
    [
        ("PJSIP/erika-0000001a", "PJSIP/name1-0000001a"),
        ("Local/211@from-acme-0000001a;2", "Local/211@name1-0000001a;2"),
        ("sip:erika@192.168.7.9:5060;ob", "sip:name1@192.0.2.1:5060;ob"),
        ("sip:211@[fd00::7]:5060", "sip:211@[2001:db8::1]:5060"),
        ("sip:211@pbx.acme.example", "sip:211@host1.example"),
        ("0042*211", "0003*211"),
        ("pbx-acme-1795301430.17", "1795301430.17"),
    ],
)
def test_given_what_is_somebodys_when_replaced_then_only_its_form_is_left(
    original: str, replacement: str
) -> None:
    replacements = Replacements([original])
    assert replacements.tokens(original) == replacement
    assert replacements.tokens(original) == replacement
