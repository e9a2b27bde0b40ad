"""Parties behind Local channels, where no recording of a real PBX says it: docs/parties.md."""

from __future__ import annotations

from bridge.calls.live.tracker import CallTracker
from bridge.calls.state import pbx_events as ev
from bridge.calls.state.call_views import has_party, views_of
from bridge.calls.state.effects import CallEnded
from bridge.calls.state.outcome import outcome_of
from bridge.calls.state.phone_call import FinalRecord, Flow, Leg, Origin, PhoneCall, Side
from bridge.calls.state.reconcile import Window

from .example_parties import PARTIES
from .replaying import Replay, recorded

CALL = "a0000000000000000001"
AT_MS = 1_800_000_000_000
NUMBER = "3235742879"
LOCAL = f"Local/9{NUMBER}@office"
FIRST, SECOND, CARRIER, OTHER = "100.1", "100.2", "100.3", "100.4"
DOWN, UP = ev.ChannelState.DOWN, ev.ChannelState.UP


def channel(
    uniqueid: str, name: str, endpoint: str, state: ev.ChannelState = DOWN
) -> ev.ChannelSnapshot:
    return ev.ChannelSnapshot(uniqueid, CALL, name, endpoint, state)


PHONE = channel(CALL, "PJSIP/0003*210-1", "PJSIP/0003*210", UP)
HALF_1 = channel(FIRST, f"{LOCAL}-1;1", LOCAL)
HALF_2 = channel(SECOND, f"{LOCAL}-1;2", LOCAL, ev.ChannelState.RING)
TRUNK_1 = channel(CARRIER, "PJSIP/carrier1-1", "PJSIP/carrier1")
TRUNK_2 = channel(OTHER, "PJSIP/carrier2-1", "PJSIP/carrier2")


class Pbx:
    def __init__(self) -> None:
        self.tracker = CallTracker("pbx1", PARTIES)
        self.final: FinalRecord | None = None
        self.tracker.add(
            PhoneCall(
                id=CALL,
                pbx="pbx1",
                linkedid=CALL,
                origin=Origin.API,
                flow=Flow.OUTGOING,
                published_ms=AT_MS,
                extension="0003*210",
                legs=(
                    Leg("00", Side.SOURCE, "0003*210", "210", "PJSIP/0003*210", "0003*210"),
                    Leg("01", Side.DESTINATION, NUMBER, NUMBER, f"{LOCAL}/n"),
                ),
            )
        )

    def says(self, *events: ev.PbxEvent) -> None:
        for event in events:
            for change in self.tracker.event(event):
                ends = [x.final for x in change.effects if isinstance(x, CallEnded)]
                self.final = ends[0] if ends else self.final

    def dials_the_route(self) -> None:
        self.says(
            *(ev.ChannelAppeared(AT_MS, x.uniqueid, CALL, x) for x in (PHONE, HALF_1, HALF_2))
        )
        self.says(ev.DialBegun(AT_MS, CALL, HALF_1, f"9{NUMBER}@office/n"))

    def dials(self, trunk: ev.ChannelSnapshot, number: str) -> None:
        self.says(ev.ChannelAppeared(AT_MS, trunk.uniqueid, CALL, trunk))
        self.says(ev.DialBegun(AT_MS, SECOND, trunk, f"{number}@carrier"))

    def ends(self, uniqueid: str, cause: int, sip_code: int | None = None) -> None:
        self.says(ev.ChannelHungUp(AT_MS + 9, uniqueid, CALL, cause, sip_code))

    def call(self) -> PhoneCall:
        [call] = self.tracker.live
        return call

    def shows(self) -> list[str]:
        return [f"{x.leg.view_id} {x.leg.number} {x.status.name}" for x in views_of(self.call())]


def test_given_a_route_through_the_dialplan_when_a_carrier_is_rung_then_there_is_one_number() -> (
    None
):
    pbx = Pbx()
    pbx.dials_the_route()
    pbx.dials(TRUNK_1, f"00{NUMBER}")
    assert pbx.shows() == ["00 0003*210 TRYING", f"01 {NUMBER} TRYING"]
    pbx.says(ev.ChannelStateChanged(AT_MS, CARRIER, CALL, UP))
    assert pbx.shows() == ["00 0003*210 ON_CALL", f"01 {NUMBER} ON_CALL"]
    assert has_party(pbx.call(), NUMBER, ())


def test_given_both_carriers_refuse_when_the_call_ends_then_the_last_word_is_theirs() -> None:
    pbx = Pbx()
    pbx.dials_the_route()
    pbx.dials(TRUNK_1, NUMBER)
    pbx.says(ev.DialEnded(AT_MS, SECOND, CARRIER, CALL, ev.DialStatus.CONGESTION))
    pbx.ends(CARRIER, 34, 503)
    assert pbx.shows() == ["00 0003*210 TRYING", f"01 {NUMBER} TRYING"]
    pbx.dials(TRUNK_2, f"00{NUMBER}")
    pbx.says(ev.DialEnded(AT_MS, SECOND, OTHER, CALL, ev.DialStatus.BUSY))
    pbx.ends(OTHER, 17, 486)
    for uniqueid in (SECOND, FIRST, CALL):
        pbx.ends(uniqueid, 17)
    assert pbx.final is not None
    assert (pbx.final.reason, pbx.final.sip_code) == ("busy", 486)


def test_given_the_dial_of_the_carrier_was_not_heard_when_resynced_then_it_is_the_number() -> None:
    pbx = Pbx()
    pbx.dials_the_route()
    alive = [PHONE, HALF_1, HALF_2, ev.ChannelSnapshot(CARRIER, CALL, "PJSIP/c-1", "PJSIP/c", UP)]
    pbx.tracker.resync(alive, Window(AT_MS + 5, AT_MS, 10_000))
    assert pbx.shows() == ["00 0003*210 ON_CALL", f"01 {NUMBER} ON_CALL"]


def test_given_a_refused_carrier_when_its_local_channel_is_gone_unheard_then_so_is_the_number() -> (
    None
):
    pbx = Pbx()
    pbx.dials_the_route()
    pbx.dials(TRUNK_1, NUMBER)
    pbx.ends(CARRIER, 34, 503)
    pbx.tracker.resync([PHONE], Window(AT_MS + 5, AT_MS, 10_000))
    assert [x.ended_ms for x in pbx.call().legs] == [None, AT_MS + 5]


def test_given_a_public_number_that_is_an_extension_s_when_dialled_then_it_is_that_one() -> None:
    pbx = Pbx()
    pbx.dials_the_route()
    phone = channel(CARRIER, "PJSIP/0003*211-1", "PJSIP/0003*211")
    pbx.says(ev.ChannelAppeared(AT_MS, CARRIER, CALL, phone))
    pbx.says(ev.DialBegun(AT_MS, SECOND, phone, "0003*211"))
    assert pbx.shows() == ["00 0003*210 TRYING", f"01 {NUMBER} TRYING"]
    assert pbx.tracker.live.of_extension("0003*211") == [pbx.call()]


def test_given_the_end_of_an_optimised_half_when_it_comes_then_nobody_has_hung_up() -> None:
    pbx = Pbx()
    pbx.dials_the_route()
    pbx.dials(TRUNK_1, NUMBER)
    pbx.says(ev.ChannelStateChanged(AT_MS, CARRIER, CALL, UP))
    pbx.says(ev.HangupRequested(AT_MS, FIRST, CALL, 16))
    pbx.ends(SECOND, 16)
    pbx.ends(FIRST, 16)
    assert pbx.shows() == ["00 0003*210 ON_CALL", f"01 {NUMBER} ON_CALL"]
    assert pbx.call().first_to_hang_up is None


def test_given_a_first_half_told_gone_late_when_followme_goes_on_then_the_phone_rang_out() -> None:
    """FollowMe() hangs the first half up when its time is over; the second one follows."""
    lines = recorded("office/follow_me_one_after_the_other")
    halves = [
        index
        for index, x in enumerate(lines)
        if x.headers["Event"] == "Hangup" and x.headers["Channel"].startswith("Local/211@")
    ]
    first, second = halves[0], halves[1]
    assert lines[first].headers["Channel"].endswith(";1")
    moved = [*lines[:first], *lines[first + 1 : second + 1], lines[first], *lines[second + 1 :]]
    replay = Replay("office/follow_me_one_after_the_other")
    for line in moved:
        replay.take(line)
    [call] = replay.ended.values()
    rung = next(x for x in call.legs if x.number == "0003*211")
    assert outcome_of(call, rung).reason == "no answer"
