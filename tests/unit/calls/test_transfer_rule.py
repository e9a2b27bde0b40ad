"""Which calls must not be connected with a public number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.calls.state.phone_call import LegPhase, PhoneCall
from bridge.calls.state.transfer_rule import is_local_only
from bridge.calls.store.call_document import call_from_document, call_to_document

from .fakes import accepted

WITHOUT_THE_FIELD = ',"allow_public_transfer":true'


def with_second(number: str, phase: LegPhase = LegPhase.UP) -> PhoneCall:
    """210 talks to a party that is no extension, in a call without public transfers."""
    call = accepted()
    first, second = call.legs
    second = replace(second, number=number, extension=None, phase=phase)
    legs = (replace(first, phase=LegPhase.UP), second)
    return replace(call, legs=legs, answered_ms=1, allow_public_transfer=False)


@pytest.mark.parametrize(
    ("call", "local_only"),
    [
        (with_second("3235550202"), True),
        (with_second("3235550202", LegPhase.WAITING), True),
        (with_second("3235550202", LegPhase.GONE), False),
        (with_second("0003*00"), False),
        (replace(with_second("3235550202"), allow_public_transfer=True), False),
        (replace(accepted(), allow_public_transfer=False), False),
        (replace(accepted(), local_transfers_only=True), True),
    ],
)
def test_given_a_wish_against_it_when_one_public_number_is_there_then_no_other_may_come(
    call: PhoneCall, local_only: bool
) -> None:
    assert is_local_only(call) is local_only


def test_given_the_document_of_a_call_from_before_when_read_then_only_its_old_rule_counts() -> None:
    document = call_to_document(replace(with_second("3235550202"), allow_public_transfer=True))
    assert WITHOUT_THE_FIELD in document
    call = call_from_document(document.replace(WITHOUT_THE_FIELD, ""))
    assert not is_local_only(call)
