"""The stories of the office, replayed: views in each phase, events, records."""

from __future__ import annotations

import pytest

from tests.office.replayed_stage import ReplayedStage
from tests.office.stories import (
    OPEN,
    open_rows,
    recording_of,
    recordings,
    stories,
    told_right,
)

NAMES = list(stories())


@pytest.mark.parametrize("name", told_right())
async def test_given_a_story_of_the_office_when_replayed_then_it_is_told_exactly(name: str) -> None:
    await recordings()[name](ReplayedStage(recording_of(name)))


@pytest.mark.parametrize("name", NAMES)
def test_given_a_story_when_its_recording_is_looked_for_then_it_is_there(name: str) -> None:
    assert recording_of(name).exists(), f"python -m tests.event_streams.record {name}"
    assert stories()[name].__doc__


def test_given_the_list_of_open_stories_when_read_then_it_names_recordings() -> None:
    assert open_rows() <= set(recordings()), OPEN
