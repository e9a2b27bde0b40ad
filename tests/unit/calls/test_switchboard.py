"""What follows from changes of calls: hanging up what must not live, writing down, resync."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bridge.calls.live.change import Change
from bridge.calls.live.snapshots import SETTLE_S
from bridge.calls.pbx import PbxRefused, PbxUnavailable
from bridge.calls.state.pbx_events import ChannelHungUp, PbxSnapshot
from bridge.calls.state.phone_call import Disposition, EndedBy, FinalRecord, PhoneCall
from bridge.calls.timeline.timelines import Timelines
from bridge.clock import now_ms
from bridge.testing.eventually import eventually
from tests.lab.instant_time import instant

from .fakes import CALL_ID, Exchange, FakeRecords, accepted, appears, channel, settle

FINAL = FinalRecord(1, Disposition.NO_ANSWER, EndedBy.API, "cancelled")


@instant
async def test_given_a_call_that_ended_when_its_channel_rings_then_it_is_hung_up() -> None:
    exchange = Exchange()
    exchange.records.stored[CALL_ID] = replace(accepted(), final=FINAL)
    exchange.switchboard.pbx_event(appears(channel(CALL_ID)))
    await settle()
    assert exchange.pbx.hung_up == [CALL_ID]


@instant
async def test_given_an_unknown_id_of_our_form_when_it_rings_then_it_is_left_alone() -> None:
    exchange = Exchange()
    exchange.switchboard.pbx_event(appears(channel(CALL_ID)))
    await settle()
    assert exchange.pbx.hung_up == []
    assert [x.id for x in exchange.live] == [CALL_ID]


@instant
async def test_given_a_marked_call_when_its_channel_appears_then_it_is_hung_up() -> None:
    exchange = Exchange()
    exchange.switchboard.calls.add(accepted())
    exchange.switchboard.calls.mark_hang_up(CALL_ID, EndedBy.API, now_ms())
    exchange.switchboard.pbx_event(appears(channel(CALL_ID)))
    await settle()
    assert exchange.pbx.hung_up == [CALL_ID]


@instant
async def test_given_a_marked_call_when_the_link_comes_up_then_its_channels_are_hung_up() -> None:
    exchange = Exchange()
    exchange.switchboard.calls.add(accepted())
    exchange.switchboard.pbx_event(appears(channel(CALL_ID)))
    exchange.switchboard.calls.mark_hang_up(CALL_ID, EndedBy.API, now_ms())
    exchange.switchboard.link_up(PbxSnapshot(now_ms(), (channel(CALL_ID),)))
    await settle()
    assert exchange.pbx.hung_up == [CALL_ID]
    await exchange.switchboard.stop()


@instant
async def test_given_a_pbx_that_refuses_to_hang_up_when_marked_then_nothing_is_raised() -> None:
    exchange = Exchange()
    exchange.pbx.fails = PbxUnavailable("gone")
    exchange.switchboard.hang_up_channels(["100.1"])
    await settle()
    assert exchange.pbx.hung_up == ["100.1"]


@instant
async def test_given_a_failing_observer_when_a_call_changes_then_the_next_one_is_told() -> None:
    exchange = Exchange()
    told: list[Change] = []

    def fail(_: Change) -> None:
        raise RuntimeError

    exchange.switchboard.observe(fail)
    exchange.switchboard.observe(told.append)
    exchange.switchboard.calls.add(accepted())
    exchange.switchboard.end(CALL_ID, FINAL)
    assert [x.after.final for x in told] == [FINAL]
    assert [x.final for x in exchange.records.finished] == [FINAL]
    exchange.switchboard.end(CALL_ID, FINAL)
    assert len(told) == 1


@instant
async def test_given_a_failing_timeline_when_a_call_ends_then_it_has_its_record() -> None:
    class Failing(Timelines):
        def changed(self, change: Change) -> None:
            raise TypeError("Integer exceeds 64-bit range")

    exchange = Exchange(timelines=Failing(10))
    exchange.switchboard.calls.add(accepted())
    exchange.switchboard.end(CALL_ID, FINAL)
    assert [x.final for x in exchange.records.finished] == [FINAL]


@instant
async def test_given_two_calls_of_one_list_when_the_first_record_fails_then_not_the_next() -> None:
    class Failing(FakeRecords):
        def finish_later(self, call: PhoneCall, *_: Any) -> None:
            if call.id == CALL_ID:
                raise RuntimeError
            super().finish_later(call)

    exchange = Exchange(grace_s=0.0, records=Failing())
    other = replace(accepted(), id="00000000000000000abd", linkedid="00000000000000000abd")
    for call in (accepted(), other):
        exchange.switchboard.calls.add(call)
    await exchange.switchboard.resync()
    assert [x.id for x in exchange.records.finished] == [other.id]


@instant
async def test_given_a_restart_when_channels_still_live_then_calls_keep_id_and_owner() -> None:
    exchange = Exchange()
    exchange.records.stored[CALL_ID] = accepted()
    assert await exchange.switchboard.restore() == 1
    exchange.switchboard.link_up(PbxSnapshot(now_ms() + 1, (channel(CALL_ID),)))
    (call,) = exchange.live
    assert (call.id, call.user_id, call.legs[0].uniqueid) == (CALL_ID, 12, CALL_ID)
    await exchange.switchboard.stop()


@instant
async def test_given_a_channel_that_ends_while_listed_when_resynced_then_it_stays_gone() -> None:
    exchange = Exchange()
    ringing = channel("100.1", "100.1")
    exchange.switchboard.pbx_event(appears(ringing))
    exchange.pbx.channels = (ringing,)
    exchange.pbx.during_snapshot = lambda: exchange.switchboard.pbx_event(
        ChannelHungUp(now_ms(), "100.1", "100.1", 16)
    )
    await exchange.switchboard.resync()
    assert exchange.live == []


@instant
async def test_given_a_channel_off_the_list_when_its_end_is_told_soon_then_the_record_is_true() -> (
    None
):
    exchange = Exchange()
    exchange.switchboard.calls.add(accepted())
    exchange.switchboard.pbx_event(replace(appears(channel(CALL_ID)), at_ms=now_ms() - 5))

    def told_meanwhile() -> None:
        exchange.switchboard.pbx_event(ChannelHungUp(now_ms(), CALL_ID, CALL_ID, 17, 486))
        exchange.switchboard.end(CALL_ID, FINAL)

    asyncio.get_running_loop().call_later(SETTLE_S / 2, told_meanwhile)
    await exchange.switchboard.resync()
    assert [x.final for x in exchange.records.finished] == [FINAL]


@instant
async def test_given_a_channel_off_the_list_when_nothing_is_told_then_its_call_ends_as_lost() -> (
    None
):
    exchange = Exchange(grace_s=3)
    exchange.switchboard.calls.add(accepted())
    exchange.switchboard.pbx_event(replace(appears(channel(CALL_ID)), at_ms=now_ms() - 5))
    await exchange.switchboard.resync()
    assert exchange.records.finished == []  # the result of its Originate may still say why
    await eventually(lambda: exchange.live == [])
    (ended,) = exchange.records.finished
    assert ended.final is not None
    assert ended.final.reason == "lost while disconnected"


@pytest.mark.parametrize("why", [PbxUnavailable("down"), PbxRefused("no")])
@instant
async def test_given_no_list_of_channels_when_resynced_then_nothing_changes(
    why: Exception,
) -> None:
    exchange = Exchange()
    exchange.switchboard.calls.add(accepted())
    exchange.pbx.fails = why
    await exchange.switchboard.resync()
    assert len(exchange.live) == 1
