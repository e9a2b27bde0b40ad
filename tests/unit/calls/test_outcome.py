"""How an ended call came out for each of its parties."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.calls.state.outcome import has_outcome, outcome_of
from bridge.calls.state.pbx_events import DialStatus
from bridge.calls.state.phone_call import (
    Disposition,
    EndedBy,
    FinalRecord,
    Leg,
    Origin,
    PhoneCall,
    Side,
)

from .fakes import accepted

D = Disposition


def party(short: str, side: Side, **more: Any) -> Leg:
    number = f"0003*{short}"
    leg = Leg(short, side, number, short, f"PJSIP/{number}", number, uniqueid=f"u{short}")
    return replace(leg, **more)


def over(*legs: Leg, disposition: Disposition, reason: str = "", **more: Any) -> PhoneCall:
    final = FinalRecord(9, disposition, EndedBy.PBX, reason)
    return replace(replace(accepted(), legs=legs, final=final), **more)


def outcomes(call: PhoneCall) -> list[tuple[str, Disposition | None]]:
    return [
        (x.view_id, outcome_of(call, x).disposition if has_outcome(call, x) else None)
        for x in call.legs
    ]


def test_given_two_destinations_when_one_answers_then_the_other_did_not() -> None:
    call = over(
        party("210", Side.SOURCE, answered_ms=1),
        party("211", Side.DESTINATION, cause=26, dial_status=DialStatus.CANCEL),
        party("212", Side.DESTINATION, answered_ms=2),
        party("213", Side.DESTINATION, cause=17, dial_status=DialStatus.BUSY),
        party("214", Side.DESTINATION, uniqueid=None),
        disposition=D.ANSWERED,
        answered_ms=2,
    )
    assert outcomes(call) == [
        ("210", D.ANSWERED),
        ("211", D.NO_ANSWER),
        ("212", D.ANSWERED),
        ("213", D.BUSY),
        ("214", D.FAILED),  # its phone is not registered
    ]


def test_given_two_sources_when_one_answers_then_the_other_did_not() -> None:
    call = over(
        party("210", Side.SOURCE, answered_ms=1),
        party("211", Side.SOURCE, cause=26, dial_status=DialStatus.CANCEL),
        party("212", Side.DESTINATION, answered_ms=2),
        disposition=D.ANSWERED,
        answered_ms=2,
    )
    assert outcomes(call) == [("210", D.ANSWERED), ("211", D.NO_ANSWER), ("212", D.ANSWERED)]


def test_given_a_busy_source_when_the_call_ends_then_the_destination_had_no_call() -> None:
    call = over(
        party("210", Side.SOURCE, cause=17),
        party("211", Side.DESTINATION, uniqueid=None),
        disposition=D.BUSY,
    )
    assert outcomes(call) == [("210", D.BUSY), ("211", None)]


def test_given_a_queue_when_an_agent_rang_in_vain_then_it_did_not_answer() -> None:
    call = over(
        party("220", Side.SOURCE, dial="", calls_in=True, answered_ms=1),
        party("210", Side.DESTINATION, dial="", cause=19, dial_status=DialStatus.NOANSWER),
        party("211", Side.DESTINATION, dial="", answered_ms=5),
        disposition=D.ANSWERED,
        origin=Origin.PHONE,
        called_service="0003*300",
        answered_ms=1,
    )
    assert outcomes(call) == [("220", D.ANSWERED), ("210", D.NO_ANSWER), ("211", D.ANSWERED)]


def test_given_a_caller_when_nobody_answers_then_its_outcome_is_that_of_the_call() -> None:
    call = over(
        party("210", Side.SOURCE, answered_ms=1),
        party("211", Side.DESTINATION, cause=1, dial_status=DialStatus.NOANSWER),
        party("212", Side.DESTINATION, cause=19, dial_status=DialStatus.NOANSWER),
        disposition=D.NO_ANSWER,
        reason="no answer",
    )
    assert outcomes(call) == [("210", D.NO_ANSWER), ("211", D.FAILED), ("212", D.NO_ANSWER)]


@pytest.mark.parametrize(("answered_ms", "disposition"), [(None, D.UNKNOWN), (2, D.ANSWERED)])
def test_given_an_end_that_nobody_saw_when_told_then_only_who_answered_is_known(
    answered_ms: int | None, disposition: Disposition
) -> None:
    call = over(
        party("210", Side.SOURCE, answered_ms=answered_ms),
        party("211", Side.DESTINATION, uniqueid=None, answered_ms=answered_ms),
        disposition=disposition,
        answered_ms=answered_ms,
    )
    assert call.final is not None
    call = replace(call, final=replace(call.final, not_before_ms=3))
    assert outcomes(call) == [("210", disposition), ("211", disposition)]
