"""Online, ringing or busy: what the calls of an extension tell of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.calls.state.phone_call import LegPhase, PhoneCall
from bridge.calls.state.presence import Presence, presence_in_calls

from .test_call_views import in_phases

W, T, R, U, G = LegPhase
SOURCE, DESTINATION = "0003*210", "0003*211"


def dialled(call: PhoneCall) -> PhoneCall:
    """The source has dialled it on its own phone."""
    return replace(call, legs=(replace(call.legs[0], calls_in=True), call.legs[1]))


def with_extensions(call: PhoneCall) -> PhoneCall:
    first, second = call.legs
    legs = (replace(first, extension=SOURCE), replace(second, extension=DESTINATION))
    return replace(call, legs=legs)


@pytest.mark.parametrize(
    ("call", "source", "destination"),
    [
        (in_phases(W, W), None, None),
        (in_phases(T, W), None, None),
        (in_phases(R, W), Presence.RINGING, None),
        (in_phases(U, T), Presence.BUSY, None),
        (in_phases(U, R), Presence.BUSY, Presence.RINGING),
        (in_phases(U, U, answered=True), Presence.BUSY, Presence.BUSY),
        (in_phases(U, G, answered=True), Presence.BUSY, None),
        (dialled(in_phases(T, T)), Presence.BUSY, None),
        (dialled(in_phases(T, R)), Presence.BUSY, Presence.RINGING),
    ],
)
def test_given_a_call_when_asked_then_each_party_is_as_its_phone(
    call: PhoneCall, source: Presence | None, destination: Presence | None
) -> None:
    calls = [with_extensions(call)]
    assert presence_in_calls(calls, SOURCE) is source
    assert presence_in_calls(calls, DESTINATION) is destination
    assert presence_in_calls(calls, "0003*212") is None


def test_given_a_talk_and_a_second_call_that_rings_when_asked_then_the_extension_is_busy() -> None:
    talk, second = in_phases(U, U, answered=True), in_phases(U, R)
    calls = [with_extensions(second), with_extensions(talk)]
    assert presence_in_calls(calls, DESTINATION) is Presence.BUSY
