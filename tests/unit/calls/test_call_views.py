"""The status each party is shown, by how far it and the far side have come."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.calls.state.call_views import ViewStatus, has_party, is_call_of, views_of
from bridge.calls.state.phone_call import (
    Disposition,
    EndedBy,
    FinalRecord,
    Leg,
    LegPhase,
    Origin,
    PhoneCall,
    Side,
)
from bridge.directory.caller_ids import CallerId

from .fakes import accepted

W, T, R, U, G = LegPhase  # waiting, trying, ringing, up, gone
UNKNOWN, OFF_HOOK, TRYING, RINGING, OTHER_SIDE_RINGING, ON_CALL = ViewStatus


def in_phases(source: LegPhase, destination: LegPhase, *, answered: bool = False) -> PhoneCall:
    call = accepted()
    first, second = call.legs
    return replace(
        call,
        legs=(replace(first, phase=source), replace(second, phase=destination)),
        answered_ms=1 if answered else None,
    )


@pytest.mark.parametrize(
    ("source", "destination", "shown"),
    [
        (W, W, [TRYING, UNKNOWN]),
        (T, W, [TRYING, UNKNOWN]),
        (R, W, [RINGING, UNKNOWN]),
        (U, W, [OFF_HOOK, UNKNOWN]),
        (U, T, [TRYING, TRYING]),
        (U, R, [OTHER_SIDE_RINGING, RINGING]),
        (U, U, [ON_CALL, ON_CALL]),
    ],
)
def test_given_a_call_of_an_app_when_it_proceeds_then_each_party_is_shown_its_status(
    source: LegPhase, destination: LegPhase, shown: list[ViewStatus]
) -> None:
    call = in_phases(source, destination, answered=destination is U)
    assert [x.status for x in views_of(call)] == shown


@pytest.mark.parametrize(
    ("source", "destination", "shown"),
    [
        (T, T, [TRYING, TRYING]),
        (T, R, [OTHER_SIDE_RINGING, RINGING]),
        (U, U, [ON_CALL, ON_CALL]),
    ],
)
def test_given_a_dialled_call_when_it_proceeds_then_the_caller_is_shown_the_far_side(
    source: LegPhase, destination: LegPhase, shown: list[ViewStatus]
) -> None:
    call = in_phases(source, destination, answered=destination is U)
    legs = (replace(call.legs[0], calls_in=True), call.legs[1])
    call = replace(call, origin=Origin.PHONE, legs=legs)
    assert [x.status for x in views_of(call)] == shown


def test_given_a_caller_with_nothing_dialled_when_viewed_then_it_is_off_hook_to_its_number() -> (
    None
):
    caller = replace(accepted().legs[0], calls_in=True, phase=T)
    call = replace(accepted(), origin=Origin.PHONE, legs=(caller,), dialled="0003*00")
    (view,) = views_of(call)
    assert (view.status, view.destinations) == (OFF_HOOK, ("0003*00",))
    up = replace(call, legs=(replace(caller, phase=U),), answered_ms=1)
    assert views_of(up)[0].status is ON_CALL


def test_given_a_party_that_left_when_viewed_then_the_others_are_and_an_ended_call_has_all() -> (
    None
):
    call = in_phases(U, G, answered=True)
    assert [x.leg.view_id for x in views_of(call)] == ["00"]
    final = FinalRecord(2, Disposition.ANSWERED, EndedBy.SOURCE, "normal clearing")
    ended = replace(call, final=final)
    assert [(x.leg.view_id, x.status) for x in views_of(ended)] == [
        ("00", UNKNOWN),
        ("01", UNKNOWN),
    ]


def test_given_two_sources_when_one_picked_up_then_the_other_has_no_view_any_more() -> None:
    call = in_phases(R, W)
    second = Leg("02", Side.SOURCE, "0003*212", "212", phase=R)
    both = replace(call, legs=(*call.legs, second))
    assert [x.leg.view_id for x in views_of(both)] == ["00", "01", "02"]
    won = replace(both, legs=(*call.legs, replace(second, phase=U)))
    assert [x.leg.view_id for x in views_of(won)] == ["02", "01"]
    assert views_of(won)[0].sources == ("212",)


def test_given_two_caller_ids_when_viewed_then_each_side_has_the_one_it_is_shown() -> None:
    to_source, to_destination = CallerId("Bob", "211"), CallerId("Alice", "210")
    call = replace(in_phases(U, R), caller_id=to_source, destination_caller_id=to_destination)
    assert [x.caller_id for x in views_of(call)] == [to_source, to_destination]


def test_given_a_party_that_is_not_in_the_call_any_more_then_it_does_not_concern_it() -> None:
    call = in_phases(U, U, answered=True)
    lost = Leg("02", Side.DESTINATION, "0003*212", "212", extension="0003*212", phase=G)
    never_rang = replace(lost, view_id="03", number="0003*213", extension="0003*213", phase=W)
    answered = replace(call.legs[1], answered_ms=1)
    legs = (call.legs[0], answered, lost, never_rang)
    call = replace(call, legs=legs, called_service="0003*300")
    concerned = [x for x in ("210", "211", "212", "213", "300") if is_call_of(call, f"0003*{x}")]
    assert concerned == ["210", "211", "300"]
    gone = replace(call.legs[0], phase=G)
    left = replace(call, extension="0003*220", legs=(gone, answered))
    assert [x for x in ("210", "211", "220") if is_call_of(left, f"0003*{x}")] == ["211", "220"]


@pytest.mark.parametrize(
    ("number", "means", "found"),
    [
        ("211", {"0003*211"}, True),
        ("211", {"0004*211"}, False),  # another organization's
        ("5550003211", {"0003*5550003211", "0003*211"}, True),
        ("3235550201", {"0003*3235550201"}, True),
        ("+3235550201", {"0003*3235550201"}, True),
        ("300", {"0003*300"}, True),
        ("300", {"0004*300"}, False),
        ("9", set(), False),
    ],
)
def test_given_a_number_when_asked_for_then_it_means_what_it_means_to_who_asks(
    number: str, means: set[str], found: bool
) -> None:
    call = in_phases(U, U, answered=True)
    public = Leg("02", Side.DESTINATION, "+3235550201", "3235550201", phase=U)
    call = replace(call, legs=(*call.legs, public), dialled="300", called_service="0003*300")
    assert has_party(call, number, means) is found


def test_given_a_call_transferred_away_from_a_queue_then_the_queue_is_no_party_any_more() -> None:
    call = replace(in_phases(U, U, answered=True), dialled="300", called_service="0003*300")
    assert has_party(call, "300", {"0003*300"})
    by_public_number = replace(call, dialled="3235551000")
    assert has_party(by_public_number, "300", {"0003*300"})
    away = replace(by_public_number, dialled="3235550201", left_service=True)
    assert not has_party(away, "300", {"0003*300"})


def test_given_an_extension_that_was_rung_again_when_viewed_then_it_is_one_party() -> None:
    base = accepted()
    first = replace(base.legs[1], uniqueid="100.1", phase=G, answered_ms=5)
    again = replace(first, view_id="02", dial="", uniqueid="100.2", phase=R, answered_ms=None)
    call = replace(base, legs=(replace(base.legs[0], phase=U), first, again), answered_ms=5)
    assert [x.leg.view_id for x in views_of(call)] == ["00", "02"]
    final = FinalRecord(9, Disposition.ANSWERED, EndedBy.API, "")
    over = replace(call, legs=tuple(replace(x, phase=G) for x in call.legs), final=final)
    views = views_of(over)
    assert [x.leg.view_id for x in views] == ["00", "01"]  # the one that it answered
    assert views[0].destinations == ("211",)


def test_given_a_phone_that_calls_itself_when_viewed_then_it_is_both_parties() -> None:
    base = accepted()
    itself = replace(base.legs[0], view_id="01", side=Side.DESTINATION)
    assert len(views_of(replace(base, legs=(base.legs[0], itself)))) == 2
