"""The same on Asterisk 16, by hand with --office-long, or on the one on PATH (--office-on-path)."""

from __future__ import annotations

import pytest

from tests.office.playing import OpenedOffice
from tests.office.stories import played_by, stories

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("name", played_by("16"))
async def test_given_another_asterisk_when_a_story_happens_then_all_that_is_told_of_it_is_right(
    old_office: OpenedOffice, name: str
) -> None:
    await old_office.play(stories()[name])
