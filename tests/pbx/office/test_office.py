"""Every story of the office, live: what people see in each phase, the events, the records."""

from __future__ import annotations

import pytest

from tests.office.playing import OpenedOffice
from tests.office.stories import played, stories

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("name", played())
async def test_given_the_office_when_a_story_happens_then_all_that_is_told_of_it_is_right(
    office: OpenedOffice, name: str
) -> None:
    await office.play(stories()[name])


async def test_given_all_these_stories_when_the_log_is_read_then_nothing_was_wrong(
    office: OpenedOffice,
) -> None:
    bridge = office.office.bridge
    assert bridge.log_lines("error") == []
    assert "Traceback" not in bridge.log_text()
