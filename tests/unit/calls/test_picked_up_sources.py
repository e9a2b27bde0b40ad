"""The ring of a call's source is picked up: whoever did that is the source now."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.calls.live.tracker import CallTracker
from bridge.calls.state import pbx_events as ev
from bridge.calls.state.call_views import views_of
from bridge.calls.state.outcome import outcome_of
from bridge.calls.state.phone_call import Flow, Leg, Origin, PhoneCall, Side, fork_channel_id
from bridge.phone_call_events.call_events import events_of

from .example_parties import PARTIES

API = "a0000000000000000002"
AT_MS = 1_800_000_000_000
RINGS, PICKS_UP, CALLED = "200.1", "200.2", "200.3"
DOWN, RINGING, UP = ev.ChannelState.DOWN, ev.ChannelState.RINGING, ev.ChannelState.UP
EXTENSIONS = {f"0003*{x}" for x in range(210, 220)}
PUBLIC = "3235550200"


def phone(uniqueid: str, short: str, linkedid: str, exten: str = "") -> ev.ChannelSnapshot:
    endpoint = f"PJSIP/0003*{short}"
    state = ev.ChannelState.RING if exten else DOWN
    return ev.ChannelSnapshot(uniqueid, linkedid, f"{endpoint}-1", endpoint, state, exten=exten)


def local(uniqueid: str, linkedid: str, name: str, half: int) -> ev.ChannelSnapshot:
    return ev.ChannelSnapshot(uniqueid, linkedid, f"{name}-1;{half}", name, DOWN)


class Office:
    """210, or 210 and 214, ring for the call `cid`; 212 picks up; then the call goes on."""

    def __init__(self, cid: str, second: str, halves: str) -> None:
        self.tracker = CallTracker("pbx1", PARTIES)
        self.told: list[tuple[str, str, str]] = []
        self.ended: list[PhoneCall] = []
        self.cid, self.second, self.halves, self.at_ms = cid, second, halves, AT_MS

    def says(self, event: ev.PbxEvent) -> None:
        self.at_ms += 10
        for change in self.tracker.event(replace(event, at_ms=self.at_ms)):
            if change.after.final is not None:
                self.ended.append(change.after)
            self.told += [
                (x.extension.removeprefix("0003*"), x.type.name, x.status.value)
                for x in events_of(change, EXTENSIONS)
            ]

    def appears(self, snapshot: ev.ChannelSnapshot) -> None:
        self.says(ev.ChannelAppeared(0, snapshot.uniqueid, snapshot.linkedid, snapshot))

    def state(self, uniqueid: str, linkedid: str, state: ev.ChannelState) -> None:
        self.says(ev.ChannelStateChanged(0, uniqueid, linkedid, state))

    def dials(self, caller: str, snapshot: ev.ChannelSnapshot, text: str) -> None:
        self.appears(snapshot)
        self.says(ev.DialBegun(0, caller, snapshot, text))
        self.state(snapshot.uniqueid, self.cid, RINGING)

    def rings(self, *sources: str) -> None:
        self.appears(local(self.cid, self.cid, self.halves, 1))
        self.appears(local(self.second, self.cid, self.halves, 2))
        for at, short in enumerate(sources):
            snapshot = phone(RINGS + str(at), short, self.cid)
            self.dials(self.second, snapshot, f"0003*{short}")

    def picked_up_by_212(self, *rung: str) -> None:
        self.appears(phone(PICKS_UP, "212", PICKS_UP, exten="**210"))
        self.state(PICKS_UP, PICKS_UP, UP)
        self.says(ev.DialEnded(0, self.second, PICKS_UP, self.cid, ev.DialStatus.ANSWER))
        for at, _ in enumerate(rung):
            self.says(ev.ChannelHungUp(0, RINGS + str(at), self.cid, 26))
        self.state(self.cid, self.cid, UP)
        self.state(self.second, self.cid, UP)

    def answered(self, called: ev.ChannelSnapshot, text: str) -> None:
        self.dials(self.cid, called, text)
        self.state(CALLED, self.cid, UP)
        self.says(ev.DialEnded(0, self.cid, CALLED, self.cid, ev.DialStatus.ANSWER))

    def ends(self) -> None:
        for uniqueid in (CALLED, self.cid, self.second, PICKS_UP):
            self.says(ev.ChannelHungUp(0, uniqueid, self.cid, 16))

    def views(self) -> list[str]:
        [call] = self.tracker.live
        return [f"{x.leg.side.value} {x.leg.number} {x.status.name}" for x in views_of(call)]

    def outcomes(self) -> dict[str, str]:
        call = self.ended[-1]
        return {x.number: outcome_of(call, x).disposition.name for x in call.legs}


def api_call(sources: tuple[str, ...], destination: str) -> Office:
    office = Office(API, fork_channel_id(API), "Local/ring@bridge-source")
    parties = [(Side.SOURCE, f"0003*{x}", f"PJSIP/0003*{x}") for x in sources]
    public = "*" not in destination
    dial = f"Local/{destination}@outbound" if public else f"PJSIP/{destination}"
    parties.append((Side.DESTINATION, destination, dial))
    office.tracker.add(
        PhoneCall(
            id=API,
            pbx="pbx1",
            linkedid=API,
            origin=Origin.API,
            flow=Flow.OUTGOING if public else Flow.LOCAL,
            published_ms=AT_MS,
            extension="0003*210",
            legs=tuple(
                Leg(f"{at:02d}", side, number, number, dial, number if "*" in number else None)
                for at, (side, number, dial) in enumerate(parties)
            ),
        )
    )
    return office


@pytest.mark.parametrize("sources", [("210",), ("210", "214")])
def test_given_an_app_s_source_when_its_ring_is_picked_up_then_who_did_is_the_source(
    sources: tuple[str, ...],
) -> None:
    office = api_call(sources, "0003*211")
    office.rings(*sources)
    office.picked_up_by_212(*sources)
    office.answered(phone(CALLED, "211", API), "0003*211")
    assert office.views() == ["source 0003*212 ON_CALL", "destination 0003*211 ON_CALL"]
    [call] = office.tracker.live
    assert call.answered_ms is not None
    office.ends()
    record = office.ended[-1].final
    assert record is not None
    assert record.disposition.name == "ANSWERED"
    rang_only = {f"0003*{x}": "NO_ANSWER" for x in sources}
    assert office.outcomes() == {**rang_only, "0003*211": "ANSWERED", "0003*212": "ANSWERED"}
    assert sorted(office.told) == sorted(
        [
            *((x, "DIAL_OUT", "CALLING") for x in (*sources, "212")),
            ("211", "DIAL_IN", "CALLING"),
            ("211", "ANSWER_INCOMING", "ANSWER"),
            ("212", "ANSWER_OUTGOING", "ANSWER"),
            *((x, "HANG_UP", "CANCEL") for x in sources),
            ("211", "HANG_UP", "ANSWER"),
            ("212", "HANG_UP", "ANSWER"),
        ]
    )


def test_given_a_public_number_when_its_source_is_picked_up_then_it_stays_the_destination() -> None:
    office = api_call(("210",), PUBLIC)
    office.rings("210")
    office.picked_up_by_212("210")
    trunk = ev.ChannelSnapshot(CALLED, API, "PJSIP/carrier1-1", "PJSIP/carrier1", DOWN)
    office.answered(trunk, f"{PUBLIC}@outbound")
    assert office.views() == ["source 0003*212 ON_CALL", f"destination {PUBLIC} ON_CALL"]


def test_given_the_far_side_rings_when_the_source_was_picked_up_then_no_pick_up_is_left() -> None:
    """A second pick-up, of the destination, takes the side of the destination."""
    office = api_call(("210",), "0003*211")
    office.rings("210")
    office.picked_up_by_212("210")
    office.dials(API, phone(CALLED, "211", API), "0003*211")
    office.appears(phone("200.9", "213", "200.9", exten="**211"))
    office.state("200.9", "200.9", UP)
    office.says(ev.DialEnded(0, API, "200.9", API, ev.DialStatus.ANSWER))
    office.says(ev.ChannelHungUp(0, CALLED, API, 26))
    assert office.views() == ["source 0003*212 ON_CALL", "destination 0003*213 ON_CALL"]


def test_given_an_originate_by_others_when_its_source_is_picked_up_then_it_is_the_same() -> None:
    office = Office("300.1", "300.2", "Local/210@from-internal")
    office.rings("210")
    office.picked_up_by_212("210")
    office.answered(phone(CALLED, "211", "300.1"), "0003*211")
    assert office.views() == ["source 0003*212 ON_CALL", "destination 0003*211 ON_CALL"]
    office.ends()
    record = office.ended[-1].final
    assert record is not None
    assert record.disposition.name == "ANSWERED"
    assert office.outcomes()["0003*210"] == "NO_ANSWER"
    assert [x for x in office.told if x[0] == "210"] == [
        ("210", "DIAL_OUT", "CALLING"),
        ("210", "HANG_UP", "CANCEL"),
    ]
