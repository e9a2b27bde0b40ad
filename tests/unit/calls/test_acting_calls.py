"""Calls that act on another one, in the corners that the phones do not reach."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.acting_calls import (
    TOO_LATE,
    can_act_on,
    party_for,
    talking_channels,
    with_first_hung_up,
)
from bridge.calls.state.acts_on import ActsOn, CallAction
from bridge.calls.state.final_record import conclude
from bridge.calls.state.joining import host_first
from bridge.calls.state.phone_call import (
    CallChannel,
    Disposition,
    EndedBy,
    HangUpMark,
    LegPhase,
    Origin,
    Parking,
    PhoneCall,
)
from bridge.calls.store.call_document import call_from_document, call_to_document

from .fakes import accepted

CHANNEL = "100.7"


def acts_on(action: CallAction) -> ActsOn:
    return ActsOn(action, "a" * 20, "01", CHANNEL)


def acting(action: CallAction) -> PhoneCall:
    """The phone of sendCallTo was up and is gone."""
    base = accepted()
    leg = replace(base.legs[0], uniqueid="100.1", phase=LegPhase.GONE, answered_ms=2_000, cause=16)
    answered_ms = 2_000 if action.listens else None
    return replace(
        base, legs=(leg,), acts_on=acts_on(action), answered_ms=answered_ms, originate_reason=4
    )


def other(phase: LegPhase, **leg: object) -> PhoneCall:
    """210 calls 211, which is so far."""
    base = accepted()
    up = replace(base.legs[0], uniqueid="100.6", phase=LegPhase.UP, answered_ms=1_500)
    called = replace(base.legs[1], uniqueid=CHANNEL, phase=phase, **leg)  # type: ignore[arg-type]
    answered_ms = 1_800 if phase is LegPhase.UP else None
    channel = CallChannel(CHANNEL, "PJSIP/0003*211", ev.ChannelState.UP, 1_000)
    return replace(base, legs=(up, called), answered_ms=answered_ms, channels={CHANNEL: channel})


@pytest.mark.parametrize("origin", [Origin.API, Origin.PHONE])
@pytest.mark.parametrize("older", [True, False])
def test_given_a_call_that_picks_up_when_joined_then_the_other_one_goes_on(
    origin: Origin, older: bool
) -> None:
    picks_up = acting(CallAction.PICK_UP)
    rings = replace(
        other(LegPhase.RINGING), origin=origin, published_ms=picks_up.published_ms + 1 - 2 * older
    )
    assert host_first(picks_up, rings) == (rings, picks_up)
    assert host_first(rings, picks_up) == (rings, picks_up)


@pytest.mark.parametrize(
    ("action", "phase", "possible"),
    [
        (CallAction.PICK_UP, LegPhase.WAITING, False),
        (CallAction.PICK_UP, LegPhase.TRYING, True),
        (CallAction.PICK_UP, LegPhase.RINGING, True),
        (CallAction.PICK_UP, LegPhase.UP, False),
        (CallAction.PICK_UP, LegPhase.GONE, False),
        (CallAction.MONITOR, LegPhase.UP, True),
        (CallAction.UN_PARK, LegPhase.UP, False),
    ],
)
def test_given_a_phase_of_the_other_party_when_asked_then_the_action_is_possible_or_not(
    action: CallAction, phase: LegPhase, possible: bool
) -> None:
    assert can_act_on(acts_on(action), other(phase)) is possible


def test_given_a_call_that_is_gone_or_going_when_asked_then_no_action_is_possible() -> None:
    talk = other(LegPhase.UP)
    assert not can_act_on(acts_on(CallAction.MONITOR), None)
    assert not can_act_on(acts_on(CallAction.MONITOR), replace(talk, channels={}))
    marked = replace(talk, hang_up=HangUpMark(EndedBy.API, 1))
    assert not can_act_on(acts_on(CallAction.MONITOR), marked)


def test_given_a_parked_party_when_fetched_then_it_is_the_one_whatever_view_is_named() -> None:
    parked = other(LegPhase.UP, parking=Parking(5, "7001", "0003*210", CHANNEL))
    assert party_for(CallAction.UN_PARK, parked, parked.legs[0]) == parked.legs[1]
    assert can_act_on(acts_on(CallAction.UN_PARK), parked)
    assert party_for(CallAction.PICK_UP, parked, parked.legs[0]) is None


def test_given_several_phones_of_an_extension_when_one_of_them_is_meant_then_it_rings() -> None:
    rings = other(LegPhase.RINGING)
    called = replace(rings.legs[1], uniqueid="100.8", other_devices=(CHANNEL,))
    several = replace(rings, legs=(rings.legs[0], called))
    assert can_act_on(acts_on(CallAction.PICK_UP), several)


def test_given_a_party_that_has_handed_over_when_listened_then_it_talks_no_more() -> None:
    talk = other(LegPhase.UP)
    assert talking_channels(talk) == {"100.6", CHANNEL}
    gone = replace(talk, legs=(replace(talk.legs[0], handed_over=True), talk.legs[1]))
    assert talking_channels(gone) == {CHANNEL}
    assert talking_channels(None) == frozenset()


@pytest.mark.parametrize("half", ["", ";2"])
@pytest.mark.parametrize("action", list(CallAction))
def test_given_a_dialplan_that_was_too_late_when_concluded_then_the_action_failed(
    action: CallAction, half: str
) -> None:
    call = acting(action)
    late = with_first_hung_up(call, call.id + half, TOO_LATE)
    final = conclude(late, 3_000)
    assert (final.disposition, final.by) == (Disposition.FAILED, EndedBy.OTHER_CALL)
    assert final.cause == TOO_LATE
    assert call_from_document(call_to_document(late)) == late


def test_given_another_channel_or_cause_when_hung_up_then_nothing_was_too_late() -> None:
    call = acting(CallAction.MONITOR)
    assert with_first_hung_up(call, "100.1", TOO_LATE) is call
    assert with_first_hung_up(call, call.id, 16) is call
    plain = replace(call, acts_on=None)
    assert with_first_hung_up(plain, plain.id, TOO_LATE) is plain


def test_given_a_listener_that_the_pbx_ends_when_concluded_then_its_other_call_ended_it() -> None:
    final = conclude(acting(CallAction.MONITOR), 3_000)
    assert (final.disposition, final.by) == (Disposition.ANSWERED, EndedBy.OTHER_CALL)
    limited = replace(acting(CallAction.MONITOR), duration_s=1)
    assert conclude(limited, 4_000).by is EndedBy.DURATION_LIMIT
