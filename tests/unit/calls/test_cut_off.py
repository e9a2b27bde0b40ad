"""Whether a ringing was cut off, from what the PBX said of the channels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.calls.state.cut_off import was_cut_off
from bridge.calls.state.final_record import conclude
from bridge.calls.state.pbx_events import DialStatus
from bridge.calls.state.phone_call import EndedBy, LegPhase, Origin, PhoneCall, Side

from .fakes import accepted


def dialled(rang_out: bool | None, **destination: Any) -> PhoneCall:
    """210 has dialled 211, which rang and whose dial ended with NOANSWER."""
    base = accepted()
    rang: dict[str, Any] = {
        "phase": LegPhase.GONE,
        "uniqueid": "100.1",
        "ringing_ms": 2000,
        "cause": 0,
    }
    rang |= {"dial_status": DialStatus.NOANSWER, **destination}
    legs = (replace(base.legs[0], calls_in=True), replace(base.legs[1], **rang))
    return replace(base, origin=Origin.PHONE, legs=legs, rang_out=rang_out)


@pytest.mark.parametrize(("rang_out", "cut_off"), [(True, False), (False, True), (None, False)])
def test_given_a_dialled_phone_when_its_dial_ended_then_our_dialplan_tells_why(
    rang_out: bool | None, cut_off: bool
) -> None:
    """In another dialplan nothing tells it, and time counts as over."""
    call = dialled(rang_out)
    assert was_cut_off(call, call.legs[1]) is cut_off


def test_given_a_phone_that_rang_out_when_the_next_was_dialled_then_the_last_end_is_its() -> None:
    call = dialled(False)
    forwarded = replace(call.legs[1], view_id="02", uniqueid="100.2", forwarded_from="0003*211")
    call = replace(call, legs=(*call.legs, forwarded))
    assert [was_cut_off(call, x) for x in call.legs[1:]] == [False, True]


@pytest.mark.parametrize("status", [DialStatus.BUSY, DialStatus.NOANSWER, DialStatus.CONGESTION])
def test_given_a_cause_that_the_phone_did_not_give_when_asked_then_it_was_cut_off(
    status: DialStatus,
) -> None:
    refused = dialled(None, dial_status=status, cause=17)
    assert not was_cut_off(refused, refused.legs[1])
    unasked = dialled(None, dial_status=status, cause=17, ended_unasked=True)
    assert was_cut_off(unasked, unasked.legs[1])
    by_caller = replace(unasked, first_to_hang_up=Side.SOURCE)
    assert not was_cut_off(by_caller, by_caller.legs[1])


@pytest.mark.parametrize(
    ("rang_out", "status", "cause", "cut_off"),
    [
        (False, DialStatus.CANCEL, 17, True),
        (False, DialStatus.NOANSWER, 16, True),
        (False, DialStatus.NOANSWER, 21, False),  # it refused
        (False, DialStatus.BUSY, 17, False),
        (True, DialStatus.NOANSWER, 0, False),
        (None, DialStatus.CANCEL, 0, False),
    ],
)
def test_given_a_source_of_the_api_when_the_local_channel_has_gone_then_its_end_tells_why(
    rang_out: bool | None, status: DialStatus, cause: int, cut_off: bool
) -> None:
    base = accepted()
    gone: dict[str, Any] = {"phase": LegPhase.GONE, "uniqueid": "100.0", "ringing_ms": 2000}
    source = replace(base.legs[0], **gone, dial_status=status, cause=cause)
    call = replace(base, legs=(source, base.legs[1]), rang_out=rang_out)
    assert was_cut_off(call, source) is cut_off


def test_given_a_cancelled_dial_when_no_ringing_was_told_then_no_time_was_over() -> None:
    """A phone may ring a moment before the PBX hears of it."""
    unheard: dict[str, Any] = {"ringing_ms": None, "dial_status": DialStatus.CANCEL}
    call = dialled(None, **unheard)
    assert was_cut_off(call, call.legs[1])
    assert conclude(call, 9000).by is EndedBy.PBX
    by_caller = replace(call, first_to_hang_up=Side.SOURCE)
    assert conclude(by_caller, 9000).by is EndedBy.SOURCE
    not_reached = dialled(None, ringing_ms=None)
    assert not was_cut_off(not_reached, not_reached.legs[1])
