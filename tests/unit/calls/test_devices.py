"""Several phones of one party in the state machine: one view, each event once, in any order."""

from __future__ import annotations

from itertools import permutations

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.effects import Effect, LegProgressed, LegStep
from bridge.calls.state.phone_call import Flow, Leg, LegPhase, Origin, PhoneCall, Side
from bridge.calls.state.transition import apply

from .example_parties import PARTIES

ID, DESK, MOBILE = "0" * 20, "desk", "mobile"
ENDPOINT = "PJSIP/0003*211"


def channel(uniqueid: str, number: str = "0003*211") -> ev.ChannelSnapshot:
    return ev.ChannelSnapshot(
        uniqueid, ID, f"PJSIP/{number}-{uniqueid}", f"PJSIP/{number}", ev.ChannelState.DOWN
    )


def ringing() -> PhoneCall:
    """The source talks to nobody yet, both phones of 211 ring."""
    legs = (
        Leg("00", Side.SOURCE, "0003*210", "210", "PJSIP/0003*210", "0003*210"),
        Leg("01", Side.DESTINATION, "0003*211", "211", ENDPOINT, "0003*211"),
    )
    call = PhoneCall(ID, "pbx1", ID, Origin.API, Flow.LOCAL, 0, legs=legs)
    source = channel(ID, "0003*210")
    events: list[ev.PbxEvent] = [
        ev.ChannelAppeared(1, ID, ID, source),
        ev.ChannelStateChanged(2, ID, ID, ev.ChannelState.UP),
    ]
    for uniqueid in (DESK, MOBILE):
        events += [
            ev.ChannelAppeared(3, uniqueid, ID, channel(uniqueid)),
            ev.DialBegun(3, ID, channel(uniqueid), f"0003*211/sip:{uniqueid}@192.0.2.1"),
        ]
    events += [ev.ChannelStateChanged(4, x, ID, ev.ChannelState.RINGING) for x in (MOBILE, DESK)]
    call, effects = after(call, *events)
    assert steps(effects, "01") == [LegStep.DIALLED, LegStep.RINGING]
    assert [x.phase for x in call.legs] == [LegPhase.UP, LegPhase.RINGING]
    assert len(call.channels) == 3
    return call


def after(call: PhoneCall, *events: ev.PbxEvent) -> tuple[PhoneCall, list[Effect]]:
    effects: list[Effect] = []
    for event in events:
        call, more = apply(call, event, PARTIES)
        effects += more
    return call, effects


def steps(effects: list[Effect], view_id: str) -> list[LegStep]:
    return [x.step for x in effects if isinstance(x, LegProgressed) and x.leg.view_id == view_id]


def test_whichever_answers_is_the_party_and_the_other_goes_without_a_word() -> None:
    for winner, loser in permutations((DESK, MOBILE)):
        call, effects = after(
            ringing(),
            ev.DialEnded(5, ID, winner, ID, ev.DialStatus.ANSWER),
            ev.ChannelStateChanged(5, winner, ID, ev.ChannelState.UP),
            ev.DialEnded(5, ID, loser, ID, ev.DialStatus.CANCEL),
            ev.HangupRequested(6, loser, ID, 26),
            ev.ChannelHungUp(6, loser, ID, 26),
            ev.HoldBegun(7, winner, ID),
        )
        assert steps(effects, "01") == [LegStep.ANSWERED]
        [_, leg] = call.legs
        assert (leg.uniqueid, leg.other_devices, leg.on_hold_ms) == (winner, (), 7)
        assert call.first_to_hang_up is None
        call, effects = after(call, ev.ChannelHungUp(8, winner, ID, 16))
        assert steps(effects, "01") == [LegStep.ENDED]


def test_one_that_refuses_leaves_the_other_ringing_and_the_last_word_counts() -> None:
    for first, second in permutations((DESK, MOBILE)):
        call, effects = after(
            ringing(),
            ev.DialEnded(5, ID, first, ID, ev.DialStatus.BUSY),
            ev.ChannelHungUp(5, first, ID, 17, 486),
        )
        assert steps(effects, "01") == []
        assert call.legs[1].phase is LegPhase.RINGING
        assert (call.legs[1].uniqueid, call.legs[1].dial_status) == (second, None)
        call, effects = after(
            call,
            ev.DialEnded(9, ID, second, ID, ev.DialStatus.NOANSWER),
            ev.ChannelHungUp(9, second, ID, 19),
        )
        assert steps(effects, "01") == [LegStep.ENDED]
        leg = call.legs[1]
        assert (leg.cause, leg.dial_status) == (19, ev.DialStatus.NOANSWER)


def test_one_that_is_not_there_has_not_the_last_word() -> None:
    """An edge of several that does not have the phone may say so after the phone has refused."""
    for first, second in permutations((DESK, MOBILE)):
        for status, cause in ((ev.DialStatus.BUSY, 17), (ev.DialStatus.NOANSWER, 19)):
            call, effects = after(
                ringing(),
                ev.DialEnded(5, ID, first, ID, status),
                ev.ChannelHungUp(5, first, ID, cause, 486),
                ev.DialEnded(6, ID, second, ID, ev.DialStatus.CHANUNAVAIL),
                ev.ChannelHungUp(6, second, ID, 3, 420),
            )
            assert steps(effects, "01") == [LegStep.ENDED]
            leg = call.legs[1]
            assert (leg.cause, leg.dial_status, leg.sip_code) == (cause, status, None)


def test_both_end_at_once_and_the_party_ends_once() -> None:
    for order in permutations((DESK, MOBILE)):
        dials = [ev.DialEnded(5, ID, x, ID, ev.DialStatus.BUSY) for x in order]
        ends = [ev.ChannelHungUp(5, x, ID, 17) for x in (DESK, MOBILE)]
        call, effects = after(ringing(), *dials, *ends)
        assert steps(effects, "01") == [LegStep.ENDED]
        assert call.legs[1].dial_status is ev.DialStatus.BUSY
        assert len(call.legs) == 2


def test_two_numbers_on_one_trunk_stay_two_parties() -> None:
    call, _ = after(
        ringing(),
        *(ev.DialBegun(6, ID, channel(x, "trunk"), f"555000{x}@trunk") for x in ("1111", "2222")),
    )
    assert [x.number for x in call.legs[2:]] == ["5550001111", "5550002222"]
