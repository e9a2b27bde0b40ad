"""The expectations of a call, against states of a call that a service could tell."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from bridge.client import PhoneCall, UapiClient
from bridge.testing.expecting import FlowFailure, Seen
from bridge.testing.followed_call import FollowedCall
from bridge.testing.journal import Journal

A, B = "0003*210", "0003*211"


class Told:
    """A client that tells these states of the call, the last one again and again."""

    def __init__(self, *states: dict[str, Any]) -> None:
        self.states = [PhoneCall.of({"id": "c1", **x}) for x in states]

    async def call(self, _: str) -> PhoneCall:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]


def followed(*states: dict[str, Any], level_db: float = -120.0) -> FollowedCall:
    async def heard_by(_: float, user: str | None) -> Seen[float]:
        return Seen(level_db > -30, f"{user} hears it at {level_db:.0f} dB", level_db)

    told = Told(*states)
    return FollowedCall(cast("UapiClient", told), Journal(), told.states[0], heard_by)


def parties(**statuses: int) -> dict[str, Any]:
    """Each extension of organization 3, as `e210`, with its status."""
    views = [
        {"id": name, "extension": f"0003*{name[1:]}", "status": status}
        for name, status in statuses.items()
    ]
    return {"phoneCallView": views}


ENDED = {"ended": "2026-01-01T00:00:00Z", "disposition": 1, "hangupCause": 17, "endedBy": "api"}


async def test_given_a_phone_that_rings_then_it_is_ringing_there_in_either_spelling() -> None:
    call = followed(parties(e210=2, e211=2), parties(e210=4, e211=3))

    await call.is_ringing_at(B, within_s=1)
    await call.is_ringing_at("211", within_s=0)


async def test_given_another_phone_that_rings_then_the_failure_tells_each_party() -> None:
    call = followed(parties(e210=3, e211=2))

    with pytest.raises(FlowFailure) as failure:
        await call.is_ringing_at(B, within_s=0)
    assert f"expected: {B} rings in call c1" in str(failure.value)
    assert f"seen:     {A} RINGING, {B} TRYING" in str(failure.value)


async def test_given_a_third_party_then_the_call_is_not_between_two() -> None:
    await followed(parties(e210=5, e211=5)).is_between(A, B, within_s=0)
    with pytest.raises(FlowFailure):
        await followed(parties(e210=5, e211=5, e212=5)).is_between(A, B, within_s=0)
    with pytest.raises(FlowFailure):
        await followed(parties(e210=5, e212=5)).is_between(A, B, within_s=0)


async def test_given_a_public_number_then_it_is_found_in_its_view() -> None:
    view = {"id": "v", "status": 5, "source": ["3235550201"], "destination": [A]}
    await followed({"phoneCallView": [view]}).is_talking_at("+3235550201", within_s=0)


async def test_given_a_call_that_has_ended_otherwise_then_the_failure_tells_how() -> None:
    await followed(ENDED).has_ended("busy", hangup_cause=17, ended_by="api", within_s=0)
    with pytest.raises(FlowFailure, match="ended: disposition busy, hangup cause 17"):
        await followed(ENDED).has_ended("answered", within_s=0)
    with pytest.raises(ValueError, match="'refused' is none of answered, busy"):
        await followed(ENDED).has_ended("refused")


async def test_given_a_call_that_has_ended_then_nobody_rings_in_it() -> None:
    with pytest.raises(FlowFailure, match="seen:     ended: busy, by api"):
        await followed({**ENDED, **parties(e211=3)}).is_ringing_at(B, within_s=0)


async def test_given_a_call_that_has_ended_when_more_is_expected_then_it_fails_at_once() -> None:
    call = followed(ENDED)

    async with asyncio.timeout(5):
        with pytest.raises(FlowFailure, match="ended: busy"):
            await call.is_between(A, B, within_s=60)
        with pytest.raises(FlowFailure, match="ended: disposition busy"):
            await call.has_ended("answered", within_s=60)


async def test_given_a_call_that_names_its_parties_short_then_a_full_number_is_found() -> None:
    view = {"id": "v", "status": 5, "extension": "211"}
    call = followed({"phoneCallView": [view]})

    await call.is_talking_at(B, within_s=0)
    with pytest.raises(FlowFailure):
        await call.is_talking_at(A, within_s=0)


async def test_given_another_organization_then_the_same_short_number_is_not_it() -> None:
    with pytest.raises(FlowFailure):
        await followed(parties(e211=5)).is_talking_at("0004*211", within_s=0)


async def test_given_a_tone_then_it_is_heard_from_its_level_on() -> None:
    assert await followed(ENDED, level_db=-6.0).heard(440, within_s=0) == -6.0
    with pytest.raises(FlowFailure, match=r"seen:     0003\*211 hears it at -120 dB"):
        await followed(ENDED).heard(440, by=B, within_s=0)
