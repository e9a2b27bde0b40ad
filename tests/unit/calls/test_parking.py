"""Parked parties: in the state of the call, stored, compared with the PBX, and parked by Park."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from bridge.calls.live.stored_changes import must_be_stored
from bridge.calls.pbx import PbxOutcomeUnknown, PbxRefused
from bridge.calls.state import pbx_events as ev
from bridge.calls.state.final_record import conclude
from bridge.calls.state.holding import with_api_hold
from bridge.calls.state.parking import with_parking_of_pbx
from bridge.calls.state.phone_call import (
    ApiHold,
    CallChannel,
    EndedBy,
    FinalRecord,
    Flow,
    HangUpMark,
    Leg,
    LegPhase,
    Origin,
    Parking,
    PhoneCall,
    Side,
)
from bridge.calls.state.transition import apply
from bridge.calls.steering.action_turns import ActionTurns
from bridge.calls.steering.errors import ActionFailed
from bridge.calls.steering.parking import CallParking
from bridge.calls.steering.parking_shares import ParkingShares
from bridge.calls.steering.unheard_parking import UnheardParking
from bridge.calls.store.call_document import call_from_document, call_to_document
from bridge.clock import now_ms
from tests.lab.instant_time import instant

from .example_parties import PARTIES
from .fakes import Exchange

UP = ev.ChannelState.UP
PARKED = ev.ChannelParked(500, "1.1", "1.1", "7001", "PJSIP/0003*211")
HOLD = ApiHold(400, held="1.1", waiting="1.2")
IN_LOT = Parking(500, "7001", "0003*211", "1.1")


def talk(other: str | None = "0003*211") -> PhoneCall:
    """210 (1.1) dialled `other` (1.2), and both talk; None: a public number."""

    def leg(view_id: str, side: Side, number: str | None, uniqueid: str) -> Leg:
        shown = number or "3235550201"
        return Leg(
            view_id,
            side,
            shown,
            "",
            extension=number,
            uniqueid=uniqueid,
            phase=LegPhase.UP,
            answered_ms=2,
        )

    channels = {"1.1": "PJSIP/0003*210", "1.2": "PJSIP/0003*211"}
    return PhoneCall(
        id="c" * 20,
        pbx="pbx1",
        linkedid="1.1",
        origin=Origin.PHONE,
        flow=Flow.LOCAL,
        published_ms=1,
        answered_ms=2,
        extension="0003*210",
        legs=(
            leg("00", Side.SOURCE, "0003*210", "1.1"),
            leg("01", Side.DESTINATION, other, "1.2"),
        ),
        channels={k: CallChannel(k, v, UP, 1) for k, v in channels.items()},
    )


def after(call: PhoneCall, *events: ev.PbxEvent) -> PhoneCall:
    for event in events:
        call, _ = apply(call, event, PARTIES)
    return call


def parked() -> PhoneCall:
    return after(talk(), PARKED, ev.ChannelHungUp(510, "1.2", "1.1", 16))


def answer_unheard() -> PhoneCall:
    """As on disk where the service died between the answer of 211 and its row."""
    call = talk()
    legs = (
        replace(call.legs[0], phase=LegPhase.TRYING, answered_ms=None, calls_in=True),
        replace(call.legs[1], phase=LegPhase.RINGING, answered_ms=None),
    )
    ringing = replace(call.channels["1.2"], state=ev.ChannelState.RINGING)
    return replace(call, answered_ms=None, legs=legs, channels={**call.channels, "1.2": ringing})


def snapshot(uniqueid: str, bridge: str) -> ev.ChannelSnapshot:
    endpoint = "PJSIP/0003*210"
    return ev.ChannelSnapshot(uniqueid, "1.1", f"{endpoint}-1", endpoint, UP, bridge=bridge)


def test_given_a_parked_party_when_told_then_it_keeps_who_parked_it_and_where() -> None:
    call = parked()
    assert call.legs[0].parking == IN_LOT
    assert call.legs[0].parked
    assert call_from_document(call_to_document(call)) == call
    assert must_be_stored(talk(), call)


@pytest.mark.parametrize("parker", ["", "PJSIP/trunk"])
def test_given_no_phone_in_the_event_when_told_then_who_talked_to_it_has_parked_it(
    parker: str,
) -> None:
    parking = after(talk(), replace(PARKED, parker=parker)).legs[0].parking
    assert parking is not None
    assert parking.by == "0003*211"


def test_given_a_parker_that_is_gone_when_told_late_then_the_event_still_names_it() -> None:
    call = after(talk(), ev.ChannelHungUp(490, "1.2", "1.1", 16), PARKED)
    assert call.legs[0].parking == IN_LOT


def test_given_a_parked_party_when_it_talks_then_it_is_not_parked_and_that_is_kept() -> None:
    call = after(parked(), ev.ChannelBridged(600, "1.1", "1.1", UP, "bridge"))
    assert call.legs[0].parking is None
    assert must_be_stored(parked(), call)


def test_given_a_parked_party_when_the_pbx_rings_for_it_then_it_waits_for_who_parked_it() -> None:
    rings = ev.ChannelSnapshot(
        "1.3", "1.1", "PJSIP/0003*211-3", "PJSIP/0003*211", ev.ChannelState.RINGING
    )
    call = after(parked(), ev.DialBegun(600, "1.1", rings, "0003*211"))
    assert call.legs[0].parking == replace(IN_LOT, returns=True)
    assert not call.legs[0].parked
    answered = after(call, ev.ChannelBridged(700, "1.1", "1.1", UP, "bridge"))
    assert answered.legs[0].parking is None


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        ({}, "parked, and nobody took it back"),
        ({"first_to_hang_up": Side.SOURCE}, "normal clearing"),
        ({"hang_up": HangUpMark(EndedBy.API, 1)}, "normal clearing"),
    ],
)
def test_given_a_parked_party_when_the_call_ends_then_the_reason_is_why(
    ending: dict[str, object], reason: str
) -> None:
    call = replace(parked(), channels={}, **ending)  # type: ignore[arg-type]
    assert conclude(call, 900).reason == reason


@pytest.mark.parametrize(
    ("bridges", "expected"),
    [
        ({"1.1": "lot"}, IN_LOT),
        ({"1.1": "lot", "1.3": "other"}, IN_LOT),
        ({"1.1": "talk", "1.3": "talk"}, None),
        ({"1.1": "", "1.3": ""}, replace(IN_LOT, returns=True)),
        ({"1.3": "talk"}, IN_LOT),
        ({}, IN_LOT),
    ],
)
def test_given_missed_events_when_compared_then_the_pbx_says_who_is_parked(
    bridges: dict[str, str], expected: Parking | None
) -> None:
    alive = {x: snapshot(x, y) for x, y in bridges.items()}
    call = parked()
    now = with_parking_of_pbx(call, alive)
    assert now.legs[0].parking == expected
    assert (now is call) is (expected == IN_LOT)


class Lot:
    """A PBX that parks. `does`: what happens when it is asked to."""

    def __init__(self, does: Callable[[], None], neighbour: str | None = "1.1") -> None:
        self.asked: list[tuple[str, str, int]] = []
        self.holds: list[str] = []
        self.not_apart: Exception | None = None
        self.waiting: tuple[ev.ChannelParked, ...] = ()
        self._does, self._neighbour = does, neighbour

    async def require(self, contexts: Sequence[str], modules: Sequence[str]) -> None:
        assert not contexts
        assert "res_parking" in modules

    async def neighbour(self, uniqueid: str) -> str | None:
        return self._neighbour if uniqueid == "1.2" else None

    async def each_parked(self, take: Callable[[ev.ChannelParked], None]) -> None:
        for event in self.waiting:
            take(event)

    async def connect(self, one: str, other: str) -> None:
        self.holds.append(f"connect {one} {other}")

    async def take_apart(self, held: str, waiting: str) -> None:
        self.holds.append(f"apart {held} {waiting}")
        if self.not_apart is not None:
            raise self.not_apart

    async def park(self, channel: str, rings_later: str, at_most_s: int) -> None:
        self.asked.append((channel, rings_later, at_most_s))
        self._does()


def lot_of(
    exchange: Exchange, does: Callable[[], None], call: PhoneCall
) -> tuple[Lot, CallParking]:
    exchange.switchboard.calls.add(call)
    lot = Lot(does)
    shares = ParkingShares(exchange.switchboard.calls.live, 1)
    return lot, CallParking(exchange.switchboard, lot, ActionTurns(), shares)


@instant
async def test_given_a_talk_when_parked_then_it_is_asked_once_and_the_call_shows_the_place() -> (
    None
):
    exchange = Exchange()
    loop = asyncio.get_running_loop()

    def does() -> None:
        loop.call_later(1.0, exchange.switchboard.pbx_event, PARKED)

    lot, parking = lot_of(exchange, does, talk())
    call = await parking.park("c" * 20, "01", 30)
    assert lot.asked == [("1.1", "PJSIP/0003*211", 30)]
    assert call.legs[0].parking == IN_LOT


@instant
async def test_given_a_pbx_that_does_not_tell_when_parked_then_the_outcome_is_unknown() -> None:
    _, parking = lot_of(Exchange(), lambda: None, talk())
    with pytest.raises(PbxOutcomeUnknown, match="ParkedCall"):
        await parking.park("c" * 20, "01", 30)


@instant
async def test_given_a_call_that_ends_when_it_is_parked_then_the_action_says_so() -> None:
    exchange = Exchange()

    def does() -> None:
        exchange.switchboard.end(
            "c" * 20, FinalRecord(9, conclude(talk(), 9).disposition, EndedBy.PBX, "over")
        )

    _, parking = lot_of(exchange, does, talk())
    with pytest.raises(ActionFailed, match="has ended"):
        await parking.park("c" * 20, "01", 30)


@instant
async def test_given_a_pbx_that_refuses_when_parked_then_the_talk_goes_on() -> None:
    exchange = Exchange()

    def does() -> None:
        raise PbxRefused("Park: Park action failed")

    _, parking = lot_of(exchange, does, talk())
    with pytest.raises(ActionFailed, match="is a place free"):
        await parking.park("c" * 20, "01", 30)
    assert exchange.live == [talk()]


@pytest.mark.parametrize(
    ("not_apart", "says", "holds"),
    [
        (None, "is a place free[^,]*$", True),
        (PbxOutcomeUnknown("Redirect"), "is a place free[^,]*$", True),
        (PbxRefused("Redirect: no"), "is a place free.*, and the hold is over", False),
    ],
)
@instant
async def test_given_a_party_on_hold_when_the_pbx_refuses_to_park_then_it_is_on_hold_again(
    not_apart: Exception | None, says: str, holds: bool
) -> None:
    exchange = Exchange()

    def does() -> None:
        raise PbxRefused("Park: Park action failed")

    lot, parking = lot_of(exchange, does, with_api_hold(talk(), "01", HOLD))
    lot.not_apart = not_apart
    with pytest.raises(ActionFailed, match=says):
        await parking.park("c" * 20, "01", 30)
    assert lot.holds == ["connect 1.1 1.2", "apart 1.1 1.2"]
    assert [x.api_hold for call in exchange.live for x in call.legs] == [
        None,
        HOLD if holds else None,
    ]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (after(talk(), ev.ChannelHungUp(490, "1.2", "1.1", 16)), replace(IN_LOT, since_ms=400)),
        (parked(), IN_LOT),
        (talk(), None),
        (
            after(answer_unheard(), ev.ChannelHungUp(490, "1.2", "1.1", 16)),
            replace(IN_LOT, since_ms=400),
        ),
    ],
    ids=["unheard", "known", "in talk", "answer unheard too"],
)
@instant
async def test_given_a_list_of_the_parked_when_the_link_is_up_again_then_it_tells_the_unheard(
    call: PhoneCall, expected: Parking | None
) -> None:
    exchange = Exchange()
    lot, _ = lot_of(exchange, lambda: None, call)
    lot.waiting = (PARKED, replace(PARKED, uniqueid="9.9", linkedid="9.9"))
    UnheardParking(exchange.switchboard, lot)
    channels = tuple(snapshot(x, "bridge") for x in call.channels)
    exchange.switchboard.link_up(ev.PbxSnapshot(now_ms() - 100, channels))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [x.legs[0].parking for x in exchange.live] == [expected]


@pytest.mark.parametrize(
    ("other", "view_id"), [(None, "01"), ("0003*211", "00"), ("0003*211", "02")]
)
@instant
async def test_given_who_cannot_park_when_parked_then_the_pbx_is_not_asked(
    other: str | None, view_id: str
) -> None:
    lot, parking = lot_of(Exchange(), lambda: None, talk(other))
    with pytest.raises(ActionFailed):
        await parking.park("c" * 20, view_id, 30)
    assert lot.asked == []
