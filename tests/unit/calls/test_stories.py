"""Every recording of a real PBX, replayed, says exactly what the file beside it expects."""

from __future__ import annotations

import pytest

from bridge.testing.recorded_calls.story_text import FILL_IN

from .replaying import RECORDINGS, STORIES, recorded
from .story_text import expected_file, prose_and_text, story_text

# What is right of others, a function of the office says (tests/event_streams/README.md).
TOLD_RIGHT = [story for story in STORIES if expected_file(story).exists()]


@pytest.mark.parametrize("story", TOLD_RIGHT)
def test_given_a_recorded_story_when_replayed_then_it_is_told_exactly(story: str) -> None:
    prose, expected = prose_and_text(story)
    assert story_text(story) == expected
    assert prose.strip()
    assert FILL_IN not in prose


@pytest.mark.parametrize("story", STORIES)
def test_given_a_recording_when_it_begins_then_somebody_says_what_happens(story: str) -> None:
    first = recorded(story)[0].headers
    assert first["Event"] == "Story"
    assert first["Text"] != FILL_IN


def test_given_a_text_when_looked_for_then_its_recording_is_there() -> None:
    texts = set(RECORDINGS.rglob("*.txt"))
    assert texts == {expected_file(story) for story in TOLD_RIGHT}
