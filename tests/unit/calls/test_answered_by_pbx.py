"""Voicemail, an announcement or an echo takes a call that nobody answers: for nobody."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from bridge.calls.live.tracker import CallTracker
from bridge.calls.state.call_views import ViewStatus, views_of
from bridge.calls.state.outcome import outcome_of
from bridge.calls.state.pbx_events import (
    ChannelAppeared,
    ChannelHungUp,
    ChannelSnapshot,
    ChannelState,
    ChannelStateChanged,
    DialBegun,
    DialEnded,
    DialStatus,
    HangupRequested,
    MailboxReached,
    OriginateEnded,
    PbxEvent,
)
from bridge.calls.state.phone_call import EndedBy, Flow, PhoneCall
from bridge.calls.state.reconcile import Window
from bridge.phone_call_events.call_events import events_of

from .example_parties import PARTIES
from .fakes import CALL_ID, accepted
from .index_check import IndexCheck, is_empty

CALLER, CALLED, NEXT = "100.1", "100.2", "100.3"
UP = ChannelStateChanged(40, CALLER, CALLER, ChannelState.UP)
RINGS_OUT = DialEnded(40, CALLER, CALLED, CALLER, DialStatus.NOANSWER)
CALLED_GONE = ChannelHungUp(40, CALLED, CALLER, 0)
GIVES_UP = HangupRequested(50, CALLER, CALLER, 16)
CALLER_GONE = ChannelHungUp(51, CALLER, CALLER, 16)
Told = list[tuple[str, str, str]]


def snapshot(uniqueid: str, short: str, state: ChannelState) -> ChannelSnapshot:
    endpoint = f"PJSIP/0003*{short}"
    return ChannelSnapshot(uniqueid, CALLER, f"{endpoint}-1", endpoint, state, exten="213")


CALLER_RINGS = snapshot(CALLER, "210", ChannelState.RING)


def dials(uniqueid: str, short: str) -> list[PbxEvent]:
    called = snapshot(uniqueid, short, ChannelState.DOWN)
    return [
        DialBegun(10, CALLER, called, f"0003*{short}"),
        ChannelStateChanged(11, uniqueid, CALLER, ChannelState.RINGING),
    ]


class Caller:
    """210, whose call is told by events; `told`: the webhooks of all extensions."""

    def __init__(self, dialled: str = "213") -> None:
        self.tracker = CallTracker("pbx1", PARTIES)
        self.told: Told = []
        channel = ChannelSnapshot(
            CALLER, CALLER, "PJSIP/0003*210-1", "PJSIP/0003*210", ChannelState.RING, exten=dialled
        )
        self.call: PhoneCall
        self.hears(ChannelAppeared(1, CALLER, CALLER, channel))

    def hears(self, *events: PbxEvent) -> Caller:
        for event in events:
            for change in self.tracker.event(event):
                self.call = change.after
                self.told += [
                    (x.type.name, x.extension.removeprefix("0003*"), x.status.value)
                    for x in events_of(change, {f"0003*{x}" for x in range(210, 400)})
                ]
        return self

    @property
    def status(self) -> ViewStatus:
        return views_of(self.call)[0].status

    @property
    def end(self) -> tuple[str, EndedBy, str]:
        assert self.call.final is not None
        return self.call.final.disposition.name, self.call.final.by, self.call.final.reason

    def hung_up(self) -> Told:
        return [x for x in self.told if x[0] == "HANG_UP"]


@pytest.mark.parametrize("order", list(permutations([UP, RINGS_OUT, CALLED_GONE])))
def test_given_a_phone_that_rings_out_when_voicemail_takes_the_call_then_nobody_answered(
    order: tuple[PbxEvent, ...],
) -> None:
    caller = Caller().hears(*dials(CALLED, "213"), *order)
    assert (caller.status, caller.call.answered_ms) == (ViewStatus.ON_CALL, None)
    assert caller.call.taken_ms == 40
    caller.hears(GIVES_UP, CALLER_GONE)
    assert caller.end == ("NO_ANSWER", EndedBy.SOURCE, "taken by the PBX")
    assert [outcome_of(caller.call, x).disposition.name for x in caller.call.legs] == [
        "NO_ANSWER",
        "NO_ANSWER",
    ]
    assert caller.told == [
        ("DIAL_OUT", "210", "CALLING"),
        ("DIAL_IN", "213", "CALLING"),
        ("HANG_UP", "210", "NOANSWER"),
        ("HANG_UP", "213", "NOANSWER"),
    ]


def test_given_a_busy_phone_when_an_announcement_says_so_then_it_was_busy() -> None:
    busy = DialEnded(20, CALLER, CALLED, CALLER, DialStatus.BUSY)
    caller = Caller().hears(*dials(CALLED, "213"), busy, ChannelHungUp(20, CALLED, CALLER, 17), UP)
    assert caller.status is ViewStatus.ON_CALL
    caller.hears(CALLER_GONE)
    assert caller.end == ("BUSY", EndedBy.PBX, "taken by the PBX")
    assert caller.hung_up() == [("HANG_UP", "210", "BUSY"), ("HANG_UP", "213", "BUSY")]


REACHED = MailboxReached(41, CALLER, CALLER, "0003*213")


def test_given_no_phone_of_an_extension_when_its_mailbox_takes_the_call_then_nobody_answered() -> (
    None
):
    """The dialplan says so before it answers."""
    caller = Caller().hears(REACHED, replace(UP, at_ms=42), replace(UP, at_ms=300))
    assert (caller.status, caller.call.answered_ms) == (ViewStatus.ON_CALL, None)
    caller.hears(GIVES_UP, CALLER_GONE)
    assert caller.end == ("NO_ANSWER", EndedBy.SOURCE, "taken by the PBX")
    assert caller.call.final is not None
    assert (caller.call.final.cause, caller.call.mailbox) == (19, "0003*213")
    assert caller.hung_up() == [("HANG_UP", "210", "NOANSWER")]


def test_given_an_app_s_call_when_the_mailbox_takes_it_then_nobody_answered() -> None:
    """Its first channel is up since the source answered: no other event tells."""
    tracker = CallTracker("pbx1", PARTIES)
    tracker.add(accepted())
    local = ChannelSnapshot(CALL_ID, CALL_ID, "Local/r@s-1;1", "Local/r@s", ChannelState.UP)
    tracker.event(ChannelAppeared(1, CALL_ID, CALL_ID, local))
    tracker.event(MailboxReached(50, CALL_ID, CALL_ID, "0003*211"))
    call = tracker.live.get(CALL_ID)
    assert call is not None
    assert (call.taken_ms, call.answered_ms, call.mailbox) == (50, None, "0003*211")


def test_given_a_call_that_was_answered_when_a_mailbox_gets_it_then_it_stays_answered() -> None:
    answered = ChannelStateChanged(30, CALLED, CALLER, ChannelState.UP)
    caller = Caller().hears(*dials(CALLED, "213"), UP, answered, CALLED_GONE, REACHED)
    call = caller.call
    assert (call.answered_ms, call.taken_ms, call.mailbox) == (30, 41, "0003*213")


def test_given_a_mailbox_when_the_service_starts_anew_then_nobody_has_answered() -> None:
    tracker = CallTracker("pbx1", PARTIES)
    there = replace(CALLER_RINGS, exten="213", state=ChannelState.UP, mailbox="0003*213")
    [change] = tracker.resync([there], Window(100, 0, 0))
    assert (change.after.answered_ms, change.after.taken_ms) == (None, 100)
    assert change.after.mailbox == "0003*213"


def test_given_a_mailbox_when_it_dials_the_operator_then_the_call_is_answered_by_that() -> None:
    caller = Caller().hears(*dials(CALLED, "213"), RINGS_OUT, UP, CALLED_GONE)
    caller.hears(*dials(NEXT, "212"))
    assert caller.status is ViewStatus.OTHER_SIDE_RINGING
    caller.hears(ChannelStateChanged(60, NEXT, CALLER, ChannelState.UP), CALLER_GONE)
    caller.hears(ChannelHungUp(61, NEXT, CALLER, 16))
    assert caller.end == ("ANSWERED", EndedBy.PBX, "normal clearing")
    assert caller.hung_up() == [
        ("HANG_UP", "210", "ANSWER"),
        ("HANG_UP", "213", "NOANSWER"),
        ("HANG_UP", "212", "ANSWER"),
    ]


def test_given_a_mailbox_when_the_app_deletes_the_call_then_the_record_says_both() -> None:
    caller = Caller().hears(*dials(CALLED, "213"), RINGS_OUT, UP, CALLED_GONE)
    caller.tracker.mark_hang_up(caller.call.id, EndedBy.API, 50)
    caller.hears(CALLER_GONE)
    assert caller.end == ("NO_ANSWER", EndedBy.API, "taken by the PBX")


def test_given_a_phone_that_answers_when_its_caller_comes_up_first_then_it_is_a_talk() -> None:
    """Events of two channels may come in any order."""
    caller = Caller().hears(*dials(CALLED, "213"), UP)
    assert (caller.call.taken_ms, caller.call.answered_ms) == (None, None)
    caller.hears(ChannelStateChanged(41, CALLED, CALLER, ChannelState.UP))
    assert (caller.call.taken_ms, caller.call.answered_ms) == (None, 41)


def test_given_a_mailbox_that_answered_unheard_when_compared_then_the_call_is_taken() -> None:
    caller = Caller().hears(*dials(CALLED, "213"))
    up = snapshot(CALLER, "210", ChannelState.UP)
    [change] = caller.tracker.resync([up], Window(100, 20, 10_000))
    assert change.after.taken_ms == 100
    assert caller.tracker.resync([up], Window(200, 200, 10_000)) == []


def test_given_a_hunt_when_the_caller_gives_up_at_the_second_then_the_first_rang_out() -> None:
    caller = Caller("602").hears(*dials(CALLED, "211"), RINGS_OUT, CALLED_GONE)
    caller.hears(*dials(NEXT, "212"), GIVES_UP)
    caller.hears(DialEnded(50, CALLER, NEXT, CALLER, DialStatus.CANCEL))
    caller.hears(ChannelHungUp(50, NEXT, CALLER, 127), CALLER_GONE)
    assert caller.end == ("NO_ANSWER", EndedBy.SOURCE, "cancelled")
    assert caller.hung_up() == [
        ("HANG_UP", "210", "CANCEL"),
        ("HANG_UP", "211", "NOANSWER"),
        ("HANG_UP", "212", "CANCEL"),
    ]


def test_given_a_queue_that_cancels_again_whom_it_rang_in_vain_then_that_one_rang_out() -> None:
    again = DialEnded(41, CALLER, CALLED, CALLER, DialStatus.CANCEL)
    caller = Caller("300").hears(*dials(CALLED, "211"), RINGS_OUT, again, CALLED_GONE)
    caller.hears(GIVES_UP, CALLER_GONE)
    assert caller.hung_up() == [
        ("HANG_UP", "210", "CANCEL"),
        ("HANG_UP", "211", "NOANSWER"),
        ("HANG_UP", "300", "CANCEL"),
    ]


def test_given_a_queue_whose_agents_refuse_when_the_caller_gives_up_then_it_cancelled() -> None:
    refuses = HangupRequested(20, CALLED, CALLER, 17)
    busy = DialEnded(20, CALLER, CALLED, CALLER, DialStatus.BUSY)
    caller = Caller("300").hears(*dials(CALLED, "211"), refuses, busy)
    caller.hears(ChannelHungUp(20, CALLED, CALLER, 17), GIVES_UP, CALLER_GONE)
    assert caller.end == ("NO_ANSWER", EndedBy.SOURCE, "cancelled")
    assert caller.hung_up() == [
        ("HANG_UP", "210", "CANCEL"),
        ("HANG_UP", "211", "BUSY"),
        ("HANG_UP", "300", "CANCEL"),
    ]


def test_given_a_busy_phone_when_its_caller_hangs_up_at_the_tone_then_it_was_busy() -> None:
    busy = DialEnded(20, CALLER, CALLED, CALLER, DialStatus.BUSY)
    caller = Caller().hears(*dials(CALLED, "213"), busy, ChannelHungUp(20, CALLED, CALLER, 17))
    caller.hears(GIVES_UP, CALLER_GONE)
    assert caller.end == ("BUSY", EndedBy.SOURCE, "busy")


OUTSIDE, CARRIER = "3235550200", "100.9"
FIRST, SECOND = "100.7", "100.8"


@pytest.mark.parametrize("ordered", [True, False])
def test_given_a_carrier_that_fails_when_an_announcement_says_so_then_nobody_answered(
    *, ordered: bool
) -> None:
    """Behind a Local channel, as outbound routes are; ordered by an app, or dialled."""
    tracker = CallTracker("pbx1", PARTIES)
    root = CALL_ID if ordered else CALLER
    if ordered:
        source, destination = accepted().legs
        route = f"Local/{OUTSIDE}@outbound/n"
        destination = replace(destination, number=OUTSIDE, dial=route, extension=None)
        tracker.add(replace(accepted(), legs=(source, destination)))

    def channel(uniqueid: str, name: str, state: ChannelState) -> ChannelSnapshot:
        return ChannelSnapshot(uniqueid, root, name, name.rpartition("-")[0], state, exten=OUTSIDE)

    local = f"Local/{OUTSIDE}@outbound-1"
    caller_state = ChannelState.UP if ordered else ChannelState.RING
    half = channel(FIRST, f"{local};1", ChannelState.DOWN)
    carrier = channel(CARRIER, "PJSIP/carrier1-1", ChannelState.DOWN)
    caller = channel(root, "PJSIP/0003*210-1", caller_state)
    other_half = channel(SECOND, f"{local};2", ChannelState.RING)
    events: list[PbxEvent] = [
        *(ChannelAppeared(1, x.uniqueid, root, x) for x in (caller, half, other_half)),
        DialBegun(2, root, half, f"{OUTSIDE}@outbound/n"),
        ChannelAppeared(3, CARRIER, root, carrier),
        DialBegun(3, SECOND, carrier, f"{OUTSIDE}@carrier1"),
        ChannelStateChanged(4, CARRIER, root, ChannelState.RINGING),
        DialEnded(5, SECOND, CARRIER, root, DialStatus.CONGESTION),
        ChannelHungUp(5, CARRIER, root, 34, 503),
        ChannelStateChanged(6, FIRST, root, ChannelState.UP),
        DialEnded(6, root, FIRST, root, DialStatus.ANSWER),
        ChannelStateChanged(6, root, root, ChannelState.UP),
    ]
    for event in events:
        tracker.event(event)
    [call] = tracker.live
    assert (call.taken_ms, call.answered_ms) == (6, None)
    assert views_of(call)[0].status is ViewStatus.ON_CALL
    assert ordered or call.flow is Flow.OUTGOING
    changes = [
        change
        for event in (
            OriginateEnded(7, root, succeeded=True, reason=4),
            HangupRequested(8, root, root, 16),
            *(ChannelHungUp(9, x, root, 16) for x in (FIRST, SECOND, root)),
        )
        for change in tracker.event(event)
    ]
    final = changes[-1].after.final
    assert final is not None
    assert (final.disposition.name, final.by, final.reason, final.cause, final.sip_code) == (
        "FAILED",
        EndedBy.SOURCE,
        "taken by the PBX",
        34,
        503,
    )


def test_given_a_caller_who_goes_from_one_mailbox_to_another_then_the_last_one_lists_the_call() -> (
    None
):
    tracker = CallTracker("pbx1", PARTIES)
    phone = ChannelSnapshot(CALLER, CALLER, "PJSIP/0003*210-1", "PJSIP/0003*210", ChannelState.RING)
    tracker.event(ChannelAppeared(1, CALLER, CALLER, phone))
    for mailbox in ("0003*211", "0003*212"):
        tracker.event(MailboxReached(2, CALLER, CALLER, mailbox))
    [call] = tracker.live
    assert tracker.live.of_extension("0003*212") == [call]
    IndexCheck().check(tracker.live)
    tracker.event(ChannelHungUp(3, CALLER, CALLER, 16))
    assert is_empty(tracker.live)
