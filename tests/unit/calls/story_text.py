"""The text of the recorded stories of this repository: bridge/testing/recorded_calls.

`python -m tests.unit.calls.story_text STORY` shows it. `--write` puts it into the file of it;
read its difference line by line.
"""

from __future__ import annotations

from pathlib import Path

from bridge.testing.recorded_calls import story_text as kit
from bridge.testing.recorded_calls.__main__ import main

from .replaying import RECORDINGS, STORIES


def story_text(story: str) -> str:
    return kit.story_text(str(RECORDINGS / story))


def expected_file(story: str) -> Path:
    return kit.expected_file(str(RECORDINGS / story))


def prose_and_text(story: str) -> tuple[str, str]:
    return kit.prose_and_text(str(RECORDINGS / story))


if __name__ == "__main__":
    import sys

    options = [x for x in sys.argv[1:] if x.startswith("-")]
    named = [x for x in sys.argv[1:] if not x.startswith("-")] or STORIES
    main(["text", *options, *(str(RECORDINGS / x) for x in named)])
