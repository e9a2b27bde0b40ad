"""One call that becomes two, in the corners that no recorded story reaches."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.calls.live.change import Change
from bridge.calls.live.tracker import CallTracker
from bridge.calls.state import pbx_events as ev
from bridge.calls.state.call_views import views_of
from bridge.calls.state.effects import HangUpChannel
from bridge.calls.state.pbx_events import ChannelState
from bridge.calls.state.phone_call import Disposition, EndedBy, FinalRecord, PhoneCall
from bridge.calls.state.reconcile import Window
from bridge.calls.store.call_document import call_from_document, call_to_document

from .example_parties import PARTIES

AT_MS = 1_800_000_000_000
ROOT = "46.0"
"""210's channel; that of 211 is 46.1 and so on. All have its Linkedid."""


def snapshot(uniqueid: str, name: str, state: ChannelState, bridge: str = "") -> ev.ChannelSnapshot:
    endpoint = name.rpartition("-")[0]
    return ev.ChannelSnapshot(uniqueid, ROOT, name, endpoint, state, bridge=bridge)


def phone(digit: int, state: ChannelState = ChannelState.DOWN) -> ev.ChannelSnapshot:
    return snapshot(f"46.{digit}", f"PJSIP/0003*21{digit}-{digit}", state)


class Talk:
    """210 has dialled 211, and both talk."""

    def __init__(self) -> None:
        self.tracker = CallTracker("pbx1", PARTIES)
        self.at_ms = AT_MS
        caller = replace(phone(0, ChannelState.RING), exten="211")
        self.appears(caller)
        self.dials(0, 1)
        self.answers(0, 1, "one")
        [self.first] = self.tracker.live

    def event(self, event: ev.PbxEvent) -> list[Change]:
        self.at_ms += 1
        return self.tracker.event(event)

    def appears(self, channel: ev.ChannelSnapshot) -> list[Change]:
        return self.event(ev.ChannelAppeared(self.at_ms, channel.uniqueid, ROOT, channel))

    def dials(self, caller: int, dialled: int) -> list[Change]:
        changes = self.appears(phone(dialled))
        return [
            *changes,
            *self.event(
                ev.DialBegun(self.at_ms, f"46.{caller}", phone(dialled), f"0003*21{dialled}")
            ),
        ]

    def answers(self, caller: int, dialled: int, bridge: str) -> None:
        ids = f"46.{dialled}", f"46.{caller}"
        up = ChannelState.UP
        self.event(ev.ChannelStateChanged(self.at_ms, ids[0], ROOT, up))
        self.event(ev.DialEnded(self.at_ms, ids[1], ids[0], ROOT, ev.DialStatus.ANSWER))
        self.event(ev.ChannelStateChanged(self.at_ms, ids[1], ROOT, up))
        for uniqueid in ids:
            self.event(ev.ChannelBridged(self.at_ms, uniqueid, ROOT, up, bridge))

    def hangs_up(self, *digits: int) -> None:
        for digit in digits:
            self.event(ev.ChannelHungUp(self.at_ms, f"46.{digit}", ROOT, 16))

    def apart(self) -> PhoneCall:
        """210 dials 212, and 211 dials 213; returns the call of 211."""
        self.dials(0, 2)
        self.dials(1, 3)
        return self.of(1)

    def of(self, digit: int) -> PhoneCall:
        call = self.tracker.live.of_channel(f"46.{digit}")
        assert call is not None
        return call


def parties(call: PhoneCall) -> list[str]:
    return [x.leg.number.removeprefix("0003*") for x in views_of(call)]


def test_given_one_who_is_moved_when_the_other_dials_nobody_then_it_is_one_call() -> None:
    talk = Talk()
    talk.dials(0, 2)
    talk.answers(0, 2, "two")
    assert parties(talk.of(0)) == ["210", "211", "212"]
    assert len(talk.tracker.live) == 1


def test_given_both_dial_when_the_second_does_then_the_new_call_is_of_who_dials_it() -> None:
    talk = Talk()
    other = talk.apart()
    first = talk.of(0)
    assert (first.id, parties(first), first.split_off) == (
        talk.first.id,
        ["210", "212"],
        (other.id,),
    )
    assert (parties(other), other.split_from, other.extension) == (
        ["211", "213"],
        first.id,
        "0003*211",
    )
    assert talk.of(2) is first
    assert talk.of(3) is other


def test_given_the_dials_were_not_heard_when_two_and_two_are_bridged_then_it_is_two_calls() -> None:
    talk = Talk()
    for digit in (2, 3):
        talk.appears(phone(digit))
        talk.event(ev.DialBegun(talk.at_ms, None, phone(digit), f"0003*21{digit}"))
    talk.answers(0, 2, "two")
    assert len(talk.tracker.live) == 1
    talk.answers(1, 3, "three")
    assert parties(talk.of(1)) == ["211", "213"]
    assert talk.of(1).answered_ms is not None
    assert parties(talk.of(0)) == ["210", "212"]


def test_given_a_call_that_is_to_end_when_its_parties_dial_then_it_stays_one() -> None:
    talk = Talk()
    talk.tracker.mark_hang_up(talk.first.id, EndedBy.API, AT_MS)
    assert talk.apart().id == talk.first.id


def test_given_half_a_local_channel_is_unknown_when_both_dial_then_it_stays_one() -> None:
    talk = Talk()
    talk.appears(snapshot("46.9", "Local/214@x-1;1", ChannelState.DOWN))
    assert talk.apart().id == talk.first.id


@pytest.mark.parametrize("ending", [0, 1])
def test_given_two_calls_when_one_is_to_end_then_no_channel_of_the_other_is_hung_up(
    ending: int,
) -> None:
    talk = Talk()
    talk.apart()
    talk.tracker.mark_hang_up(talk.of(ending).id, EndedBy.API, AT_MS)
    changes = talk.dials(1 - ending, 4)
    assert [x for y in changes for x in y.effects if isinstance(x, HangUpChannel)] == []
    assert "214" in parties(talk.of(1 - ending))
    # And of its own call each is.
    [channel] = [
        x.uniqueid for y in talk.dials(ending, 5) for x in y.effects if isinstance(x, HangUpChannel)
    ]
    assert channel == "46.5"


def test_given_the_first_call_has_ended_when_the_other_dials_then_it_goes_on() -> None:
    talk = Talk()
    other = talk.apart()
    talk.hangs_up(0, 2)
    assert [x.id for x in talk.tracker.live] == [other.id]
    talk.dials(1, 4)
    assert talk.of(4).id == other.id
    talk.hangs_up(1, 3, 4)
    assert len(talk.tracker.live) == 0


def test_given_the_first_call_was_given_up_when_the_other_dials_then_that_is_no_orphan() -> None:
    talk = Talk()
    other = talk.apart()
    final = FinalRecord(talk.at_ms, Disposition.UNKNOWN, EndedBy.AGE_LIMIT, "too old")
    talk.tracker.end(talk.first.id, final)
    talk.dials(1, 4)
    assert talk.of(4).id == other.id
    assert talk.tracker.orphans == []


def test_given_a_third_call_with_their_linkedid_then_it_joins_whom_it_is_bridged_with() -> None:
    talk = Talk()
    other = talk.apart()
    talk.answers(1, 3, "two")
    third = ev.ChannelSnapshot(
        "50.1", "50.1", "PJSIP/0003*214-9", "PJSIP/0003*214", ChannelState.RING
    )
    talk.event(ev.ChannelAppeared(talk.at_ms, "50.1", "50.1", third))
    talk.event(ev.ChannelStateChanged(talk.at_ms, "50.1", ROOT, ChannelState.UP))
    assert talk.tracker.live.of_channel("50.1") not in (talk.of(0), talk.of(1))
    talk.event(ev.ChannelBridged(talk.at_ms, "50.1", ROOT, ChannelState.UP, "two"))
    assert talk.tracker.live.of_channel("50.1") is talk.of(1)
    assert talk.of(1).id == other.id


def test_given_a_restart_when_the_channels_are_listed_then_each_is_of_its_call() -> None:
    talk = Talk()
    talk.apart()
    after = CallTracker("pbx1", PARTIES)
    kept = [call_from_document(call_to_document(x)) for x in talk.tracker.live]
    for call in kept:
        after.add(call)
    halves = [
        snapshot("46.6", "Local/214@x-1;1", ChannelState.UP, bridge="b"),
        snapshot("46.7", "Local/214@x-1;2", ChannelState.UP),
    ]
    listed = [
        *(replace(phone(x, ChannelState.UP), bridge="a") for x in (0, 2)),
        *(replace(phone(x, ChannelState.UP), bridge="b") for x in (1, 3)),
        halves[0],
    ]
    after.resync(listed, Window(AT_MS + 500, AT_MS, 10_000, missed_events=True))
    assert {x.id for x in after.live} == {x.id for x in kept}
    found = {x: after.live.of_channel(f"46.{x}") for x in (0, 1, 2, 3, 6)}
    assert found[0] is found[2] is not None
    assert found[1] is found[3] is found[6] is not None
    assert found[0] is not found[1]
    after.resync([*listed, halves[1]], Window(AT_MS + 900, AT_MS + 500, 10_000))
    assert after.live.of_channel("46.7") is after.live.of_channel("46.1")


def test_given_channels_that_nobody_dials_when_there_are_many_then_few_are_kept() -> None:
    talk = Talk()
    talk.apart()
    for number in range(200):
        talk.appears(snapshot(f"47.{number}", f"PJSIP/0003*214-{number}", ChannelState.DOWN))
    assert len(talk.tracker._parting.unplaced) == 64  # noqa: SLF001 - no call shows them
    talk.hangs_up(0, 2)
    talk.event(ev.ChannelStateChanged(talk.at_ms, "46.1", ROOT, ChannelState.UP))
    assert len(talk.tracker._parting.unplaced) == 0  # noqa: SLF001 - they are of the other call
