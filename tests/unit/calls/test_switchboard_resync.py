"""A comparison with the PBX takes a moment, and calls begin and end in that moment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.calls.live.switchboard import Switchboard
from bridge.calls.live.tracker import CallTracker
from bridge.calls.state import pbx_events as ev
from bridge.calls.state.phone_call import (
    CallChannel,
    EndedBy,
    Flow,
    Leg,
    LegPhase,
    Origin,
    PhoneCall,
    Side,
)
from bridge.clock import now_ms
from bridge.testing.eventually import eventually
from tests.lab.instant_time import instant
from tests.unit.calls.example_parties import PARTIES
from tests.unit.calls.fakes import FakePbx, FakeRecords


def switchboard_of(pbx: FakePbx) -> tuple[Switchboard, FakeRecords]:
    records = FakeRecords()
    return Switchboard(pbx, CallTracker("pbx1", PARTIES), records, 10.0), records


def channel(uniqueid: str) -> ev.ChannelSnapshot:
    return ev.ChannelSnapshot(
        uniqueid, uniqueid, "PJSIP/0003*210-00000001", "PJSIP/0003*210", ev.ChannelState.RING
    )


@instant
async def test_given_channel_hung_up_while_listed_when_resynced_then_its_call_stays_ended() -> None:
    pbx = FakePbx()
    switchboard, records = switchboard_of(pbx)
    phone = channel("1795301346.1")
    switchboard.pbx_event(ev.ChannelAppeared(now_ms() - 9, phone.uniqueid, phone.linkedid, phone))
    assert len(switchboard.calls.live) == 1
    pbx.channels = (phone,)
    pbx.during_snapshot = lambda: switchboard.pbx_event(
        ev.ChannelHungUp(now_ms(), phone.uniqueid, phone.linkedid, cause=16)
    )

    await switchboard.resync()

    assert list(switchboard.calls.live) == []
    assert len(records.finished) == 1
    # What was remembered for that one comparison is not held against the next.
    pbx.during_snapshot = lambda: None
    await switchboard.resync()
    assert len(switchboard.calls.live) == 1


@pytest.mark.parametrize("pbx_clock_ahead_ms", [-60_000, 0, 60_000])
@instant
async def test_given_channel_appears_while_listed_when_resynced_then_its_call_lives_on(
    pbx_clock_ahead_ms: int,
) -> None:
    """Events without a Timestamp are told in our clock, the list always in that of the PBX."""
    pbx = FakePbx()
    pbx.clock_ahead_ms = pbx_clock_ahead_ms
    switchboard, records = switchboard_of(pbx)
    phone = channel("1795301346.2")
    pbx.during_snapshot = lambda: switchboard.pbx_event(
        ev.ChannelAppeared(now_ms(), phone.uniqueid, phone.linkedid, phone)
    )

    await switchboard.resync()

    assert len(switchboard.calls.live) == 1
    assert records.finished == []


def api_call(call_id: str) -> PhoneCall:
    return PhoneCall(
        id=call_id,
        pbx="pbx1",
        linkedid=call_id,
        origin=Origin.API,
        flow=Flow.LOCAL,
        published_ms=now_ms(),
        extension="0003*210",
        legs=(Leg("00", Side.SOURCE, "0003*210", "210", "PJSIP/0003*210", "0003*210"),),
    )


@pytest.mark.parametrize("pbx_clock_ahead_ms", [-3_600_000, 0, 3_600_000])
@pytest.mark.parametrize("placed", ["before the list is asked for", "while it is on its way"])
@instant
async def test_given_answered_before_its_channel_is_heard_of_when_resynced_then_the_call_lives_on(
    placed: str, pbx_clock_ahead_ms: int
) -> None:
    """Seen with 50 calls being made at once: the phones talked, and the API had ended the call."""
    pbx = FakePbx()
    pbx.clock_ahead_ms = pbx_clock_ahead_ms
    switchboard, records = switchboard_of(pbx)
    call = api_call("00000000000000000abc")
    answered = ev.OriginateEnded(now_ms() + pbx_clock_ahead_ms, call.id, succeeded=True, reason=4)

    def place() -> None:
        switchboard.calls.add(call)
        switchboard.pbx_event(answered)

    if placed == "while it is on its way":
        pbx.during_snapshot = place
    else:
        place()

    await switchboard.resync()

    assert records.finished == []
    phone = replace(channel(call.id), state=ev.ChannelState.UP)
    appeared_ms = now_ms() + pbx_clock_ahead_ms
    switchboard.pbx_event(ev.ChannelAppeared(appeared_ms, phone.uniqueid, phone.linkedid, phone))
    [live] = switchboard.calls.live
    assert list(live.channels) == [call.id]
    assert pbx.hung_up == []


@instant
async def test_given_no_channel_comes_at_all_when_resynced_after_the_grace_time_then_it_ends() -> (
    None
):
    pbx = FakePbx()
    switchboard, records = switchboard_of(pbx)
    call = replace(api_call("00000000000000000abc"), published_ms=now_ms() - 10_001)
    switchboard.calls.add(call)
    switchboard.pbx_event(ev.OriginateEnded(now_ms(), call.id, succeeded=True, reason=4))

    await switchboard.resync()

    assert [x.id for x in records.finished] == [call.id]


@instant
async def test_given_a_new_link_while_listed_when_resynced_then_the_newer_list_counts() -> None:
    pbx = FakePbx()
    switchboard, records = switchboard_of(pbx)
    phone = channel("1795301346.3")
    pbx.during_snapshot = lambda: switchboard.link_up(ev.PbxSnapshot(now_ms(), (phone,)))

    await switchboard.resync()

    assert len(switchboard.calls.live) == 1
    assert records.finished == []
    await switchboard.stop()


@instant
async def test_given_a_channel_heard_of_when_a_new_session_lists_none_then_it_ends_at_once() -> (
    None
):
    """Nobody tells a new session what became of an Originate before."""
    pbx = FakePbx()
    switchboard, records = switchboard_of(pbx)
    call = api_call("00000000000000000abc")
    switchboard.calls.add(call)
    phone = replace(channel(call.id), state=ev.ChannelState.RINGING)
    switchboard.pbx_event(ev.ChannelAppeared(now_ms(), phone.uniqueid, phone.linkedid, phone))

    switchboard.link_up(ev.PbxSnapshot(now_ms(), ()))

    assert [x.id for x in records.finished] == [call.id]
    await switchboard.stop()


@instant
async def test_given_no_channel_heard_of_when_a_new_session_lists_none_then_it_ends_soon() -> None:
    pbx = FakePbx()
    switchboard, records = switchboard_of(pbx)
    call, placed = api_call("00000000000000000abc"), api_call("00000000000000000def")
    switchboard.calls.add(call)
    switchboard.calls.add(placed)
    with switchboard.placing(placed.id):  # to be sent over the new link
        switchboard.link_up(ev.PbxSnapshot(now_ms(), ()))
        assert records.finished == []  # its Originate may be on its way
        await eventually(lambda: [x.id for x in records.finished] == [call.id])
    assert [x.id for x in switchboard.calls.live] == [placed.id]
    await switchboard.stop()


@instant
async def test_given_a_hang_up_before_a_restart_when_none_is_listed_then_it_ends_at_once() -> None:
    pbx = FakePbx()
    switchboard, records = switchboard_of(pbx)
    call = api_call("00000000000000000abc")
    switchboard.calls.add(call)
    switchboard.calls.mark_hang_up(call.id, EndedBy.API, now_ms())

    switchboard.link_up(ev.PbxSnapshot(now_ms(), ()))

    [final] = [x.final for x in records.finished]
    assert final is not None
    assert final.by is EndedBy.API
    await switchboard.stop()


@instant
async def test_given_a_source_that_handed_over_unheard_when_resynced_then_who_stayed_is_it() -> (
    None
):
    """The service was away while 210 transferred 211 to 212."""
    pbx = FakePbx()
    switchboard, _ = switchboard_of(pbx)
    call = api_call("00000000000000000abc")
    gone = replace(call.legs[0], uniqueid=call.id, phase=LegPhase.UP, answered_ms=1)
    stayed = replace(gone, view_id="01", side=Side.DESTINATION, number="0003*211", uniqueid="1.2")
    stayed = replace(stayed, dial="PJSIP/0003*211", extension="0003*211")
    channels = {
        x.uniqueid: CallChannel(x.uniqueid, x.dial, ev.ChannelState.UP, 1)
        for x in (gone, stayed)
        if x.uniqueid is not None
    }
    switchboard.calls.add(replace(call, legs=(gone, stayed), channels=channels, answered_ms=1))
    listed = [
        ev.ChannelSnapshot(x, call.id, f"PJSIP/{number}-1", f"PJSIP/{number}", state)
        for x, number, state in (
            ("1.2", "0003*211", ev.ChannelState.UP),
            ("1.3", "0003*212", ev.ChannelState.RINGING),
        )
    ]
    switchboard.link_up(ev.PbxSnapshot(now_ms(), tuple(listed)))
    [live] = switchboard.calls.live
    assert [(x.number, x.side) for x in live.legs if x.phase is not LegPhase.GONE] == [
        ("0003*211", Side.SOURCE),
        ("0003*212", Side.DESTINATION),
    ]
    await switchboard.stop()
