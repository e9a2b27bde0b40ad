"""`python -m tests.office.open_stories` lists the stories that are not told right yet."""

from __future__ import annotations

import asyncio
import sys

from .replayed_stage import ReplayedStage
from .stories import OPEN, recording_of, recordings

_HEAD = """# Stories of the office that are not told right yet

Written by `python -m tests.office.open_stories`, which replays all of them. The story and what is
right are in `tests/office/stories/`. Who mends one runs the command, and its row goes. A story
without a row is tested, replayed and live.

| recording | right | seen |
|---|---|---|
"""


async def _differing() -> dict[str, list[tuple[str, str]]]:
    """Story → what is right, what is seen."""
    found = {}
    for name, story in recordings().items():
        stage = ReplayedStage(recording_of(name), failing=False)
        await story(stage)
        if stage.differing:
            found[name] = stage.differing
    return found


def main() -> None:
    rows = [
        f"| `{name}` | {right} | {seen} |\n"
        for name, differing in asyncio.run(_differing()).items()
        for right, seen in differing
    ]
    OPEN.write_text(_HEAD + "".join(rows))
    sys.stdout.write(f"{len(rows)} rows\n")


if __name__ == "__main__":
    main()
