"""Holds by the API: in the state of the call, stored, and compared with the PBX."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.call_views import views_of
from bridge.calls.state.holding import with_api_hold, with_holds_of_pbx
from bridge.calls.state.phone_call import (
    ApiHold,
    CallChannel,
    Flow,
    Leg,
    LegPhase,
    Origin,
    PhoneCall,
    Side,
)
from bridge.calls.state.transition import apply
from bridge.calls.store.call_document import call_from_document, call_to_document

from .example_parties import PARTIES

HOLD = ApiHold(500, "1.2", "1.1")


def talk() -> PhoneCall:
    def leg(view_id: str, side: Side, number: str, uniqueid: str) -> Leg:
        return Leg(
            view_id, side, number, "", extension=number, uniqueid=uniqueid, phase=LegPhase.UP
        )

    return PhoneCall(
        id="c" * 20,
        pbx="pbx",
        linkedid="1.1",
        origin=Origin.PHONE,
        flow=Flow.LOCAL,
        published_ms=1,
        answered_ms=2,
        legs=(
            leg("00", Side.SOURCE, "0003*210", "1.1"),
            leg("01", Side.DESTINATION, "0003*211", "1.2"),
        ),
        channels={x: CallChannel(x, f"PJSIP/{x}", ev.ChannelState.UP, 1) for x in ("1.1", "1.2")},
    )


def held() -> PhoneCall:
    return with_api_hold(talk(), "00", HOLD)


def listed(uniqueid: str, exten: str, bridge: str = "") -> ev.ChannelSnapshot:
    return ev.ChannelSnapshot(
        uniqueid,
        "1.1",
        f"PJSIP/{uniqueid}-1",
        f"PJSIP/{uniqueid}",
        ev.ChannelState.UP,
        exten=exten,
        context="uapi-hold" if exten else "phones",
        bridge=bridge,
    )


def seen(call: PhoneCall) -> list[tuple[int | None, bool]]:
    return [(x.on_hold_ms, x.holds) for x in views_of(call)]


def test_both_views_tell_the_hold() -> None:
    assert seen(talk()) == [(None, False), (None, False)]
    assert seen(held()) == [(500, True), (500, False)]


def test_a_phone_and_the_api_hold_independently() -> None:
    call, _ = apply(held(), ev.HoldBegun(400, "1.1", "1.1"), PARTIES)
    assert seen(call) == [(400, True), (400, False)]
    call, _ = apply(call, ev.HoldEnded(600, "1.1", "1.1"), PARTIES)
    assert seen(call) == [(500, True), (500, False)]


@pytest.mark.parametrize("uniqueid", ["1.1", "1.2"])
def test_a_hold_is_over_when_one_of_its_channels_talks(uniqueid: str) -> None:
    event = ev.ChannelBridged(700, uniqueid, "1.1", ev.ChannelState.UP, "bridge")
    call, _ = apply(held(), event, PARTIES)
    assert call.legs[0].api_hold is None


@pytest.mark.parametrize("uniqueid", ["1.1", "1.2"])
def test_a_hold_is_over_when_one_of_its_channels_is_gone(uniqueid: str) -> None:
    call, _ = apply(held(), ev.ChannelHungUp(700, uniqueid, "1.1", 16), PARTIES)
    assert all(x.api_hold is None for x in call.legs)
    call, _ = apply(call, ev.ChannelHungUp(700, "1.1", "1.1", 16), PARTIES)
    call, _ = apply(call, ev.ChannelHungUp(700, "1.2", "1.1", 16), PARTIES)
    assert call.final is not None


def test_a_hold_is_in_the_stored_call() -> None:
    assert call_from_document(call_to_document(held())) == held()


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ({"1.1": ("waits", ""), "1.2": ("held", "")}, HOLD),
        ({"1.1": ("waits", "a"), "1.2": ("held", "b")}, HOLD),
        ({"1.1": ("waits", "a"), "1.2": ("held", "a")}, None),
        ({"1.1": ("", "a"), "1.2": ("", "a")}, None),
        ({"1.1": ("waits", "a")}, None),
        ({}, None),
    ],
)
def test_the_pbx_decides_after_missed_events(
    places: dict[str, tuple[str, str]], expected: ApiHold | None
) -> None:
    alive = {x: listed(x, *place) for x, place in places.items()}
    for call in (held(), talk()):
        after = with_holds_of_pbx(call, alive, HOLD.since_ms)
        assert after.legs[0].api_hold == expected
        assert after.legs[1].api_hold is None


def test_a_call_in_line_with_the_pbx_stays_the_same_value() -> None:
    alive = {"1.1": listed("1.1", "waits", "a"), "1.2": listed("1.2", "held", "b")}
    call = held()
    assert with_holds_of_pbx(call, alive, 900) is call
    plain = talk()
    assert with_holds_of_pbx(plain, {"1.1": listed("1.1", "")}, 900) is plain


def test_who_has_handed_the_call_over_holds_nobody() -> None:
    call = held()
    gone = replace(call.legs[0], handed_over=True)
    assert seen(replace(call, legs=(gone, call.legs[1]))) == [(None, False)]
