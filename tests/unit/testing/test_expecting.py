"""An expectation that fails says what was expected, seen, and when."""

from __future__ import annotations

import pytest

from bridge.testing.expecting import FlowFailure, Seen, expect, fail
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


def test_given_the_log_of_a_phone_then_it_comes_after_the_moment() -> None:
    told = str(fail(Journal(), "211 rings", "it has had no call\n  > REGISTER"))

    lines = told.splitlines()
    assert lines[1] == "seen:     it has had no call"
    assert lines[2].startswith("when: ")
    assert lines[3] == "  > REGISTER"
