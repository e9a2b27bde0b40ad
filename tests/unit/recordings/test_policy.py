from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.calls.state.phone_call import LegPhase, PhoneCall
from bridge.recordings.conversation_of_call import call_has_number, new_conversation
from bridge.recordings.policy import is_recorded

from .fakes import DIRECTORY, connected


def _between(payer: str, other: str, recording: bool | None) -> PhoneCall:
    call = connected()
    source, destination = call.legs
    return replace(
        call,
        recording=recording,
        extension=payer,
        legs=(
            replace(source, extension=payer, number=payer),
            replace(destination, extension=other, number=other),
        ),
    )


@pytest.mark.parametrize(
    ("payer", "other", "recording", "recorded"),
    [
        ("0003*210", "0003*211", None, False),
        ("0003*210", "0003*211", False, False),
        ("0003*210", "0003*211", True, True),
        ("0003*213", "0003*210", True, False),  # never: whatever the call says
        ("0003*214", "0003*210", False, True),  # always: whatever the call says
        ("0003*213", "0003*214", None, True),
        ("0003*210", "0003*214", False, True),
    ],
)
def test_modes_and_the_parameter(
    payer: str, other: str, recording: bool | None, recorded: bool
) -> None:
    call = _between(payer, other, recording)
    assert is_recorded(call, DIRECTORY.directory) is recorded


@pytest.mark.parametrize(
    ("payer", "other", "ordered", "recorded"),
    [
        ("0003*210", "0003*211", True, True),
        ("0003*210", "0003*211", False, False),  # though the call was created with it
        ("0003*213", "0003*211", True, True),  # the other party has permitted it
        ("0003*210", "0003*214", False, True),  # always
    ],
)
def test_an_action_decides_unless_a_party_is_always_recorded(
    payer: str, other: str, ordered: bool, recorded: bool
) -> None:
    call = replace(_between(payer, other, True), recording_order=ordered)
    assert is_recorded(call, DIRECTORY.directory) is recorded


def test_given_a_party_of_always_that_has_left_then_it_does_not_count() -> None:
    call = _between("0003*213", "0003*214", None)
    source, destination = call.legs
    left = replace(call, legs=(source, replace(destination, phase=LegPhase.GONE)))
    assert not is_recorded(left, DIRECTORY.directory)


@pytest.mark.parametrize(
    ("number", "found"),
    [
        ("0003*211", True),
        ("211", False),  # another one in each organization
        ("5550003211", True),
        ("21", False),
        ("2111", False),
        ("", False),
        ("0004*211", False),
    ],
)
def test_a_party_is_found_by_each_whole_spelling(number: str, found: bool) -> None:
    call = connected()
    assert call_has_number(call, {number}, DIRECTORY.directory) is found
    conversation = new_conversation(call, DIRECTORY.directory, call.id, 1)
    assert (number in conversation.numbers) is found


def test_given_a_public_number_then_the_plus_makes_no_difference() -> None:
    call = connected()
    source, destination = call.legs
    outside = replace(destination, extension=None, number="+3235742879")
    numbers = new_conversation(
        replace(call, legs=(source, outside)), DIRECTORY.directory, call.id, 1
    ).numbers
    assert {"3235742879", "+3235742879"} <= numbers
