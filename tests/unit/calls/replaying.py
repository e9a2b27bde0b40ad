"""The recorded stories of this repository, by their names: bridge/testing/recorded_calls."""

from __future__ import annotations

from pathlib import Path

from bridge.calls.live.tracker import CallTracker
from bridge.directory.loader import CurrentDirectory
from bridge.testing.recorded_calls import replaying as kit
from bridge.testing.recorded_calls.recorded_events import RecordedEvent
from bridge.testing.recorded_calls.replaying import accepted_call, typed

__all__ = ["RECORDINGS", "STORIES", "Replay", "accepted_call", "directory_of", "recorded", "typed"]

RECORDINGS = Path(__file__).parents[2] / "event_streams" / "recordings"
# `simple_source_hangs_up`; in a folder of another PBX `office/ring_group`.
STORIES = sorted(
    path.relative_to(RECORDINGS).with_suffix("").as_posix() for path in RECORDINGS.rglob("*.jsonl")
)


def recorded(story: str) -> tuple[RecordedEvent, ...]:
    return kit.recorded(_path(story))


def directory_file(story: str) -> Path:
    return kit.directory_file(_path(story))


def directory_of(story: str) -> CurrentDirectory:
    return kit.directory_of(_path(story))


def tracker_of(story: str) -> CallTracker:
    """A tracker without calls, for the PBX of a story."""
    return kit.tracker_of(_path(story))


class Replay(kit.Replay):
    """One story of this repository."""

    def __init__(self, story: str, every_event_twice: bool = False) -> None:
        super().__init__(_path(story), every_event_twice)


def _path(story: str) -> str:
    return str(RECORDINGS / story)
