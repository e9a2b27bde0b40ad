"""Why a call ended, from what its parties and the PBX said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.calls.state.final_record import conclude
from bridge.calls.state.pbx_events import DialStatus
from bridge.calls.state.phone_call import (
    Disposition,
    EndedBy,
    HangUpMark,
    LegPhase,
    Origin,
    PhoneCall,
    Side,
)

from .fakes import accepted

END_MS = 100_000


def ended(*, source: dict[str, Any], destination: dict[str, Any], **call: Any) -> PhoneCall:
    """The call of 210 to 211 after its last channel is gone; fields as given."""
    base = accepted()
    legs = (replace(base.legs[0], **source), replace(base.legs[1], **destination))
    return replace(base, published_ms=1000, legs=legs, **call)


def picked_up_and(**destination: Any) -> PhoneCall:
    """210 picked up, 211 was dialled."""
    gone = {"phase": LegPhase.GONE, "uniqueid": "100.1"}
    source = {**gone, "uniqueid": "100.0", "answered_ms": 2000, "cause": 16}
    return ended(source=source, destination={**gone, **destination}, originate_reason=4)


def never_picked_up(reason: int | None, **source: Any) -> PhoneCall:
    gone = {"phase": LegPhase.GONE, "uniqueid": "100.0"}
    return ended(source={**gone, **source}, destination={}, originate_reason=reason)


def verdict(call: PhoneCall) -> tuple[Disposition, EndedBy, str]:
    final = conclude(call, END_MS)
    assert final.at_ms == END_MS
    return final.disposition, final.by, final.reason


D, E = Disposition, EndedBy
OF_CAUSE = [
    (1, D.FAILED, E.PBX, "no such number"),
    (3, D.FAILED, E.PBX, "unavailable"),
    (17, D.BUSY, None, "busy"),
    (18, D.NO_ANSWER, E.PICKUP_TIMEOUT, "no answer"),
    (19, D.NO_ANSWER, E.PICKUP_TIMEOUT, "no answer"),
    (20, D.FAILED, E.PBX, "unavailable"),
    (21, D.BUSY, None, "rejected"),
    (28, D.FAILED, E.PBX, "no such number"),
    (34, D.FAILED, E.PBX, "congestion"),
    (38, D.FAILED, E.PBX, "congestion"),
    (47, D.FAILED, E.PBX, "congestion"),
    (57, D.NOT_ALLOWED, E.PBX, "not allowed"),
    (42, D.FAILED, E.PBX, "congestion"),
]


@pytest.mark.parametrize(("cause", "disposition", "by", "reason"), OF_CAUSE)
def test_given_a_cause_of_the_destination_when_it_ends_the_call_then_the_record_tells_it(
    cause: int, disposition: Disposition, by: EndedBy | None, reason: str
) -> None:
    # DialStatus is NOANSWER for much that is none: the cause rules.
    call = picked_up_and(cause=cause, dial_status=DialStatus.NOANSWER)
    assert verdict(call) == (disposition, by or EndedBy.DESTINATION, reason)
    assert conclude(call, END_MS).cause == cause


@pytest.mark.parametrize(("cause", "disposition", "by", "reason"), OF_CAUSE)
def test_given_a_cause_of_the_source_when_it_ends_the_call_then_the_record_tells_it(
    cause: int, disposition: Disposition, by: EndedBy | None, reason: str
) -> None:
    call = never_picked_up(0, cause=cause, dial_status=DialStatus.NOANSWER)
    assert verdict(call) == (disposition, by or EndedBy.SOURCE, reason)


@pytest.mark.parametrize(
    ("status", "disposition", "reason"),
    [
        (DialStatus.BUSY, D.BUSY, "busy"),
        (DialStatus.NOANSWER, D.NO_ANSWER, "no answer"),
        (DialStatus.CONGESTION, D.FAILED, "congestion"),
        (DialStatus.CHANUNAVAIL, D.FAILED, "unavailable"),
    ],
)
def test_given_no_telling_cause_when_the_destination_was_dialled_then_the_dial_status_tells(
    status: DialStatus, disposition: Disposition, reason: str
) -> None:
    for cause in (None, 0, 16):
        assert verdict(picked_up_and(cause=cause, dial_status=status))[::2] == (
            disposition,
            reason,
        )


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (3, (D.NO_ANSWER, E.PICKUP_TIMEOUT, "no answer")),
        (5, (D.BUSY, E.PBX, "busy")),
        (8, (D.FAILED, E.PBX, "congestion")),
        (0, (D.FAILED, E.PBX, "failed")),
    ],
)
def test_given_cause_0_of_older_versions_when_nobody_picks_up_then_the_originate_tells(
    reason: int, expected: tuple[Disposition, EndedBy, str]
) -> None:
    call = never_picked_up(reason, cause=0)
    assert verdict(call) == expected
    assert conclude(call, END_MS).cause == (19 if expected[0] is D.NO_ANSWER else None)


def test_given_no_channel_ever_when_the_originate_fails_then_the_source_is_unavailable() -> None:
    call = ended(source={}, destination={}, originate_reason=0)
    assert verdict(call) == (Disposition.FAILED, EndedBy.PBX, "unavailable")


@pytest.mark.parametrize("by", [EndedBy.API, EndedBy.AGE_LIMIT])
def test_given_a_mark_when_nobody_had_answered_then_the_call_was_cancelled_by_it(
    by: EndedBy,
) -> None:
    call = replace(picked_up_and(cause=127, sip_code=500), hang_up=HangUpMark(by, 5))
    final = conclude(call, END_MS)
    assert (final.disposition, final.by, final.reason) == (D.NO_ANSWER, by, "cancelled")
    assert (final.cause, final.sip_code) == (16, None)


def test_given_the_source_gives_up_when_the_destination_rings_then_it_was_cancelled() -> None:
    call = replace(picked_up_and(cause=16), first_to_hang_up=Side.SOURCE)
    assert verdict(call) == (Disposition.NO_ANSWER, EndedBy.SOURCE, "cancelled")


@pytest.mark.parametrize(
    ("changes", "by"),
    [
        ({"hang_up": HangUpMark(EndedBy.API, 5), "first_to_hang_up": Side.SOURCE}, E.API),
        ({"first_to_hang_up": Side.SOURCE, "duration_s": 50}, E.SOURCE),
        ({"first_to_hang_up": Side.DESTINATION}, E.DESTINATION),
        ({"duration_s": 50}, E.DURATION_LIMIT),
        ({"duration_s": 51}, E.PBX),
        ({}, E.PBX),
    ],
)
def test_given_a_talk_when_it_ends_then_the_record_says_who_ended_it(
    changes: dict[str, Any], by: EndedBy
) -> None:
    talk = replace(picked_up_and(answered_ms=50_000, cause=16), answered_ms=50_000, **changes)
    assert verdict(talk) == (Disposition.ANSWERED, by, "normal clearing")


def test_given_one_of_two_ringing_parties_rejects_when_the_other_is_silent_then_no_answer() -> None:
    call = picked_up_and(cause=19, ringing_ms=3000)
    said: dict[str, Any] = {"cause": 21, "sip_code": 603, "dial_status": DialStatus.BUSY}
    third = replace(call.legs[1], view_id="02", uniqueid="100.2", **said)
    call = replace(call, legs=(*call.legs, third))
    assert verdict(call) == (D.NO_ANSWER, E.PICKUP_TIMEOUT, "no answer")
    assert conclude(call, END_MS).sip_code is None


def test_given_one_source_declines_when_the_other_rings_out_then_nobody_answered() -> None:
    gone: dict[str, Any] = {"phase": LegPhase.GONE, "ringing_ms": 2000}
    call = ended(
        source={**gone, "uniqueid": "100.1", "cause": 21, "sip_code": 603, "ended_ms": 2100},
        destination={},
        originate_reason=3,
    )
    silent: dict[str, Any] = {"uniqueid": "100.2", "cause": 19, "dial_status": DialStatus.NOANSWER}
    silent |= {"view_id": "02", "sip_code": 487, "ended_ms": 4000}
    other = replace(call.legs[0], **silent)
    for legs in ((call.legs[0], other), (other, call.legs[0])):
        both = replace(call, legs=(*legs, call.legs[1]))
        assert verdict(both) == (D.NO_ANSWER, E.PICKUP_TIMEOUT, "no answer")


def test_given_a_caller_that_never_acknowledges_when_sip_gives_up_then_the_pbx_ended_it() -> None:
    """No ACK to our 200, or no answer to a refreshing INVITE: 408, and no phone hung up."""
    talk = picked_up_and(answered_ms=50_000, cause=16)
    source = replace(talk.legs[0], cause=16, sip_code=408)
    talk = replace(talk, answered_ms=50_000, legs=(source, talk.legs[1]))
    by_itself = replace(talk, first_to_hang_up=Side.SOURCE)
    assert verdict(by_itself) == (Disposition.ANSWERED, EndedBy.PBX, "normal clearing")


@pytest.mark.parametrize("handed_over", [{"sip_code": 408}, {"cause": 44}])
def test_given_a_phone_that_handed_over_when_it_falls_silent_then_that_is_no_end_of_the_talk(
    handed_over: dict[str, Any],
) -> None:
    talk = picked_up_and(answered_ms=50_000, cause=16)
    parker = replace(talk.legs[1], view_id="02", handed_over=True, **handed_over)
    talk = replace(talk, answered_ms=50_000, legs=(*talk.legs, parker))
    assert verdict(talk) == (D.ANSWERED, E.PBX, "normal clearing")
    hung_up = replace(talk, first_to_hang_up=Side.DESTINATION)
    assert verdict(hung_up) == (D.ANSWERED, E.DESTINATION, "normal clearing")


def test_given_a_caller_when_the_dialplan_says_busy_without_dialling_then_the_pbx_ended_it() -> (
    None
):
    call = picked_up_and()
    caller = replace(call.legs[0], calls_in=True, answered_ms=None, cause=17)
    call = replace(call, origin=Origin.PHONE, legs=(caller,))
    assert verdict(call) == (D.BUSY, E.PBX, "busy")


def test_given_a_dialled_call_when_the_number_is_busy_then_the_destination_ended_it() -> None:
    said = {"cause": 17, "sip_code": 486, "dial_status": DialStatus.BUSY}
    call = replace(picked_up_and(**said), origin=Origin.PHONE)
    final = conclude(call, END_MS)
    assert (final.by, final.cause, final.sip_code) == (EndedBy.DESTINATION, 17, 486)


@pytest.mark.parametrize(
    "made_up",
    [
        {"cause": 19, "sip_code": 480},  # Asterisk's own time-out
        {"cause": 3, "sip_code": 404, "dial_status": DialStatus.CHANUNAVAIL},  # not registered
    ],
)
def test_given_a_status_that_no_phone_has_sent_when_concluded_then_the_record_has_none(
    made_up: dict[str, Any],
) -> None:
    assert conclude(picked_up_and(**made_up), END_MS).sip_code is None


@pytest.mark.parametrize(("cause", "reason"), [(17, "busy"), (21, "rejected")])
def test_given_a_refusal_that_was_missed_when_the_source_is_let_go_then_its_cause_tells(
    cause: int, reason: str
) -> None:
    call = picked_up_and()
    source, destination = call.legs
    call = replace(call, legs=(replace(source, cause=cause), destination))
    final = conclude(call, END_MS)
    assert (final.disposition, final.reason, final.cause) == (D.BUSY, reason, cause)


@pytest.mark.parametrize(
    ("answered_ms", "disposition"), [(50_000, D.ANSWERED), (None, D.NO_ANSWER)]
)
def test_given_a_phone_that_sends_no_sound_any_more_then_its_silence_ended_the_call(
    answered_ms: int | None, disposition: Disposition
) -> None:
    call = replace(picked_up_and(cause=16), answered_ms=answered_ms)
    call = replace(call, legs=(replace(call.legs[0], cause=44), call.legs[1]))
    assert verdict(call) == (disposition, E.PBX, "media timeout")
    assert conclude(call, END_MS).cause == 44
    hung_up = replace(call, first_to_hang_up=Side.SOURCE)
    assert conclude(hung_up, END_MS).reason != "media timeout"


def test_given_a_phone_that_never_answers_sip_then_no_time_limit_of_ours_ended_the_call() -> None:
    said: dict[str, Any] = {"cause": 18, "sip_code": 408, "dial_status": DialStatus.NOANSWER}
    assert verdict(picked_up_and(**said))[1] is E.PBX
    said["sip_code"] = 487
    assert verdict(picked_up_and(**said))[1] is E.PICKUP_TIMEOUT
