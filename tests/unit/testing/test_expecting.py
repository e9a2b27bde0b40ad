"""An expectation that fails says what was expected, seen, and when."""

from __future__ import annotations

import pytest

from bridge.testing.expecting import FlowFailure, Seen, expect
from bridge.testing.journal import Journal, Source
from tests.lab.instant_time import instant


@instant
async def test_given_a_state_that_comes_when_expected_then_its_value_is_given() -> None:
    journal, states = Journal(), iter(["trying", "ringing", "ringing", "talks"])

    async def look() -> Seen[str]:
        state = next(states)
        return Seen(state == "talks", state, state)

    assert await expect(journal, "it talks", look, 1.0, call_id="c1") == "talks"
    [step] = journal.observations()
    assert (step.source, step.kind, step.text) == (Source.TEST, "expected", "it talks")


@instant
async def test_given_a_state_that_does_not_come_then_the_failure_tells_all_that_was_seen() -> None:
    journal, states = Journal(), iter(["trying", "ringing"])

    async def look() -> Seen[None]:
        return Seen(False, next(states, "ringing"), None)

    with pytest.raises(FlowFailure) as failure:
        await expect(journal, "it talks", look, 0.0)
    assert str(failure.value).startswith("expected: it talks\nseen:     trying\nwhen:     from ")

    with pytest.raises(FlowFailure) as failure:
        await expect(journal, "it talks", look, 0.05)
    assert "expected: it talks within 0.05 s\nseen:     ringing\n" in str(failure.value)
    assert [x.kind for x in journal.observations()] == ["failed", "failed"]
    assert journal.observations()[-1].detail == "ringing"
