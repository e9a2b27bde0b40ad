"""Calls that an AMI client of somebody else, the console or a call file began by an Originate."""

from __future__ import annotations

from bridge.calls.live.change import Change
from bridge.calls.live.held_answers import HELD_MS
from bridge.calls.live.tracker import CallTracker
from bridge.calls.state import pbx_events as ev
from bridge.calls.state.call_views import has_party, views_of
from bridge.calls.state.effects import CallEnded, LegProgressed, LegStep
from bridge.calls.state.phone_call import Disposition, FinalRecord, Flow, Origin, PhoneCall
from bridge.phone_call_events.call_events import events_of
from bridge.phone_call_events.subscription import EventType

from .example_parties import PARTIES

AT_MS = 1_800_000_000_000
FIRST = "100.1"
PHONE_210, PHONE_211, CUSTOMER = "PJSIP/0003*210", "PJSIP/0003*211", "PJSIP/trunk"
DOWN, RINGING, UP = ev.ChannelState.DOWN, ev.ChannelState.RINGING, ev.ChannelState.UP


class Office:
    """The PBX tells of one call, an event each millisecond."""

    def __init__(self) -> None:
        self.tracker = CallTracker("pbx1", PARTIES)
        self.final: FinalRecord | None = None
        self.ended: PhoneCall | None = None
        self.told: list[tuple[EventType, str]] = []
        self._at_ms = AT_MS

    def __call__(self, make: type[ev.PbxEvent], *values: object) -> None:
        self._at_ms += 1
        self._note(self.tracker.event(make(self._at_ms, *values)))

    def waits(self) -> None:
        """Until nothing is held back any more."""
        self._at_ms += HELD_MS
        self._note(self.tracker.apply_due(self._at_ms))

    def _note(self, changes: list[Change]) -> None:
        for change in changes:
            wanted = ("0003*210", "0003*211")
            self.told += [(x.type, x.extension) for x in events_of(change, wanted)]
            for effect in change.effects:
                if isinstance(effect, CallEnded):
                    self.final, self.ended = effect.final, change.after

    def originates(self, endpoint: str, dial_string: str) -> None:
        first = _channel(FIRST, endpoint)
        self(ev.ChannelAppeared, FIRST, FIRST, first)
        self(ev.DialBegun, None, first, dial_string)

    def is_in(self, uniqueid: str, state: ev.ChannelState) -> None:
        self(ev.ChannelStateChanged, uniqueid, FIRST, state)

    def dials(self, uniqueid: str, endpoint: str, dial_string: str, exten: str) -> None:
        dialled = _channel(uniqueid, endpoint)
        self(ev.ChannelAppeared, uniqueid, FIRST, dialled)
        self(ev.DialBegun, FIRST, dialled, dial_string, "", "", "", exten)

    def hangs_up(self, uniqueid: str, cause: int) -> None:
        self(ev.ChannelHungUp, uniqueid, FIRST, cause)

    def call(self) -> PhoneCall:
        [call] = self.tracker.live
        return call

    def shows(self) -> list[str]:
        return [f"{x.leg.number} {x.status.name}" for x in views_of(self.call())]


def _channel(uniqueid: str, endpoint: str) -> ev.ChannelSnapshot:
    return ev.ChannelSnapshot(uniqueid, FIRST, f"{endpoint}-0001", endpoint, DOWN, "", "", "s")


def test_given_the_customer_is_rung_first_when_it_answers_then_the_phone_is_called_by_it() -> None:
    office = Office()
    office.originates(CUSTOMER, "3235550180@trunk")
    office.is_in(FIRST, RINGING)
    assert office.shows() == ["3235550180 RINGING"]
    office.is_in(FIRST, UP)
    office.dials("100.2", PHONE_210, "0003*210", "0003*210")
    office.is_in("100.2", UP)
    call = office.call()
    assert (call.origin, call.flow, call.extension) == (Origin.PHONE, Flow.OUTGOING, "0003*210")
    assert office.shows() == ["3235550180 ON_CALL", "0003*210 ON_CALL"]
    assert has_party(call, "3235550180", ())
    office.hangs_up(FIRST, 16)
    office.hangs_up("100.2", 16)
    assert office.final is not None
    assert office.final.disposition is Disposition.ANSWERED
    assert office.told == [
        (EventType.DIAL_IN, "0003*210"),
        (EventType.ANSWER_INCOMING, "0003*210"),
        (EventType.HANG_UP, "0003*210"),
    ]


def test_given_a_busy_phone_when_originated_then_it_is_told_once_and_nothing_was_dialled() -> None:
    office = Office()
    office.originates(PHONE_210, "0003*210")
    assert office.shows() == ["0003*210 TRYING"]
    office(ev.DialEnded, None, FIRST, FIRST, ev.DialStatus.BUSY)
    office.hangs_up(FIRST, 17)
    office.waits()
    assert office.final is not None
    assert office.final.disposition is Disposition.BUSY
    assert office.ended is not None
    assert office.ended.dialled == ""
    assert office.told == [(EventType.DIAL_OUT, "0003*210"), (EventType.HANG_UP, "0003*210")]


def test_given_the_far_side_does_not_answer_when_the_source_was_up_then_nobody_answered() -> None:
    office = Office()
    office.originates(PHONE_210, "0003*210")
    office.is_in(FIRST, UP)
    office(ev.OriginateEnded, FIRST, True, 4, "0003*211")
    office.dials("100.2", PHONE_211, "0003*211", "0003*211")
    office.is_in("100.2", RINGING)
    assert office.call().answered_ms is None
    assert office.shows() == ["0003*210 OTHER_SIDE_RINGING", "0003*211 RINGING"]
    assert office.call().dialled == "0003*211"
    office(ev.HangupRequested, FIRST, FIRST, 16)
    office.hangs_up("100.2", 16)
    office.hangs_up(FIRST, 16)
    assert office.final is not None
    assert office.final.disposition is Disposition.NO_ANSWER
    assert (EventType.ANSWER_OUTGOING, "0003*210") not in office.told
    assert office.told[0] == (EventType.DIAL_OUT, "0003*210")


def test_given_no_result_of_the_originate_when_nobody_is_dialled_then_it_talked_to_the_pbx() -> (
    None
):
    office = Office()
    office.originates(PHONE_210, "0003*210")
    office.is_in(FIRST, UP)
    assert office.shows() == ["0003*210 OFF_HOOK"]
    office(ev.HangupRequested, FIRST, FIRST, 16)
    office.hangs_up(FIRST, 16)
    assert office.final is not None
    assert office.final.disposition is Disposition.ANSWERED


def test_given_a_service_when_a_phone_is_connected_with_it_then_it_is_answered_at_once() -> None:
    office = Office()
    office.originates(PHONE_210, "0003*210")
    office(ev.OriginateEnded, FIRST, True, 4, "300")
    office.is_in(FIRST, UP)
    call = office.call()
    assert (call.called_service, call.answered_ms is not None) == ("0003*300", True)


def test_given_an_exten_of_the_dialplan_when_it_dials_then_it_is_not_the_number() -> None:
    office = Office()
    office.originates(PHONE_210, "0003*210")
    office.is_in(FIRST, UP)
    office.dials("100.2", PHONE_211, "0003*211", "s")
    assert office.call().dialled == ""
    assert views_of(office.call())[0].destinations == ("0003*211",)


def test_given_one_of_two_sources_refuses_when_the_other_rings_then_nothing_is_told_yet() -> None:
    tracker = CallTracker("pbx1", PARTIES)
    first, second = "Local/600@office-0001;1", "Local/600@office-0001;2"
    halves = [
        ev.ChannelSnapshot(uid, FIRST, name, "Local/600@office", state)
        for uid, name, state in ((FIRST, first, DOWN), ("100.2", second, ev.ChannelState.RING))
    ]
    phones = [_channel("100.3", PHONE_210), _channel("100.4", PHONE_211)]
    events: list[ev.PbxEvent] = [
        ev.ChannelAppeared(AT_MS, x.uniqueid, FIRST, x) for x in (*halves, *phones)
    ]
    events += [ev.DialBegun(AT_MS, None, halves[0], "600@office")]
    events += [ev.DialBegun(AT_MS, "100.2", x, x.endpoint[6:]) for x in phones]
    events += [ev.ChannelHungUp(AT_MS, "100.3", FIRST, 17)]
    effects = [e for event in events for change in tracker.event(event) for e in change.effects]
    [call] = tracker.live
    steps = [x.step for x in effects if isinstance(x, LegProgressed)]
    assert steps == [LegStep.ENDED]
    assert [(x.leg.number, x.status.name) for x in views_of(call)] == [("0003*211", "TRYING")]
