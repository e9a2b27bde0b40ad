"""HangUp: which calls it says end for certain, and what it asks of the PBX and of storage."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bridge.calls.hanging_up import HangUp
from bridge.calls.pbx import (
    InvalidPbxValue,
    LinkStatus,
    PbxOutcomeUnknown,
    PbxRefused,
    PbxUnavailable,
)
from bridge.calls.state.phone_call import Disposition, EndedBy, HangUpMark, Origin
from bridge.faults import StorageUnavailable
from bridge.testing.eventually import eventually
from tests.lab.instant_time import instant

from .fakes import CALL_ID, Exchange, accepted, appears, channel, settle


def with_call(*channels: str) -> tuple[Exchange, HangUp]:
    exchange = Exchange()
    exchange.switchboard.calls.add(accepted())
    for uniqueid in channels:
        exchange.switchboard.pbx_event(appears(channel(uniqueid)))
    return exchange, HangUp(exchange.switchboard, exchange.records, sweep_s=0.05)


@instant
async def test_given_no_channel_yet_when_hung_up_then_the_mark_is_on_disk() -> None:
    exchange, hang_up = with_call()
    exchange.pbx.has_channels = False
    ended = await hang_up.hang_up(exchange.live)
    assert [x.id for x in ended] == [CALL_ID]
    assert [x.hang_up is not None for x in exchange.records.marked] == [True]

    exchange.pbx.hung_up.clear()
    exchange.switchboard.pbx_event(appears(channel(CALL_ID)))
    await settle()
    assert exchange.pbx.hung_up == [CALL_ID]
    hang_up.stop()


@pytest.mark.parametrize(
    "fault", [PbxUnavailable("gone"), PbxOutcomeUnknown("no answer"), PbxRefused("permission")]
)
@instant
async def test_given_no_channel_yet_and_no_answer_when_hung_up_then_the_mark_is_on_disk(
    fault: Exception,
) -> None:
    exchange, hang_up = with_call()
    exchange.pbx.fails = fault
    assert [x.id for x in await hang_up.hang_up(exchange.live)] == [CALL_ID]
    assert [x.hang_up is not None for x in exchange.records.marked] == [True]
    hang_up.stop()


@instant
async def test_given_a_channel_nobody_told_of_when_hung_up_then_its_late_news_cause_nothing() -> (
    None
):
    exchange, hang_up = with_call()
    assert [x.id for x in await hang_up.hang_up(exchange.live)] == [CALL_ID]
    assert exchange.records.marked == []
    exchange.switchboard.pbx_event(appears(channel(CALL_ID)))
    exchange.switchboard.pbx_event(appears(channel("100.1")))
    await settle()
    assert exchange.pbx.hung_up == [CALL_ID]
    # Unless they live on.
    await eventually(lambda: "100.1" in exchange.pbx.hung_up)
    hang_up.stop()


@instant
async def test_given_a_call_the_pbx_has_not_taken_when_hung_up_then_it_is_not_asked() -> None:
    exchange, hang_up = with_call()
    exchange.switchboard.not_taken.add(CALL_ID)
    assert [x.id for x in await hang_up.hang_up(exchange.live)] == [CALL_ID]
    assert exchange.pbx.hung_up == []
    assert len(exchange.records.marked) == 1
    hang_up.stop()


@instant
async def test_given_a_confirmed_hang_up_when_restarted_then_late_channels_are_ended() -> None:
    exchange, hang_up = with_call()
    await hang_up.hang_up(exchange.live)
    hang_up.stop()
    [call] = exchange.live
    assert call.hang_up is not None
    assert call.hang_up.confirmed

    restarted = Exchange()
    restarted.records.stored[CALL_ID] = call
    await restarted.switchboard.restore()
    restarted.switchboard.pbx_event(appears(channel("100.1")))
    await settle()
    assert restarted.pbx.hung_up == ["100.1"]


@instant
async def test_given_a_call_of_a_phone_without_channels_when_hung_up_then_it_is_marked() -> None:
    exchange, hang_up = with_call()
    exchange.switchboard.calls.drop(CALL_ID)
    exchange.switchboard.calls.add(replace(accepted(), origin=Origin.PHONE, linkedid="100.0"))
    assert len(await hang_up.hang_up(exchange.live)) == 1
    assert exchange.pbx.hung_up == []
    assert len(exchange.records.marked) == 1
    hang_up.stop()


@instant
async def test_given_live_channels_when_hung_up_then_the_first_one_takes_the_call_down() -> None:
    exchange, hang_up = with_call(CALL_ID, "100.1")
    assert len(await hang_up.hang_up(exchange.live)) == 1
    assert exchange.pbx.hung_up[0] == CALL_ID
    assert exchange.records.marked == []
    hang_up.stop()


@instant
async def test_given_channels_that_outlive_the_first_when_swept_then_they_are_hung_up() -> None:
    exchange, hang_up = with_call(CALL_ID, "100.1")
    await hang_up.hang_up(exchange.live)
    await eventually(lambda: "100.1" in exchange.pbx.hung_up)


@instant
async def test_given_the_source_handed_over_when_hung_up_then_all_channels_are() -> None:
    exchange, hang_up = with_call("100.1", "100.2")
    await hang_up.hang_up(exchange.live)
    assert exchange.pbx.hung_up[:2] == ["100.1", "100.2"]
    hang_up.stop()


@instant
async def test_given_two_requests_when_both_hang_up_then_one_gets_the_call() -> None:
    exchange, hang_up = with_call(CALL_ID)
    assert len(await hang_up.hang_up(exchange.live, EndedBy.API)) == 1
    assert await hang_up.hang_up(exchange.live) == []
    assert exchange.pbx.hung_up == [CALL_ID]
    hang_up.stop()


@instant
async def test_given_no_answer_of_the_pbx_when_hung_up_then_it_is_said_and_may_be_tried_again() -> (
    None
):
    exchange, hang_up = with_call(CALL_ID)
    exchange.pbx.fails = PbxOutcomeUnknown("no answer")
    with pytest.raises(PbxUnavailable):
        await hang_up.hang_up(exchange.live)
    assert [x.hang_up is not None for x in exchange.records.tracked[-1:]] == [True]
    exchange.pbx.fails = None
    assert [x.id for x in await hang_up.hang_up(exchange.live)] == [CALL_ID]
    hang_up.stop()


@instant
async def test_given_the_link_is_down_when_hung_up_then_nothing_is_marked() -> None:
    exchange, hang_up = with_call(CALL_ID)
    exchange.pbx.link = LinkStatus(up=False, since_ms=1, why="down")
    with pytest.raises(PbxUnavailable, match="down"):
        await hang_up.hang_up(exchange.live)
    assert exchange.live[0].hang_up is None


@instant
async def test_given_a_call_that_just_ended_when_hung_up_then_it_is_not_claimed() -> None:
    exchange, hang_up = with_call(CALL_ID)
    stale = replace(exchange.live[0])
    exchange.switchboard.calls.drop(CALL_ID)
    assert await hang_up.hang_up([stale]) == []


@instant
async def test_given_a_hang_up_without_effect_then_it_goes_on_and_a_delete_may_try_again() -> None:
    exchange, hang_up = with_call(CALL_ID)
    assert [x.id for x in await hang_up.hang_up(exchange.live)] == [CALL_ID]
    await eventually(lambda: exchange.pbx.hung_up.count(CALL_ID) >= 3)
    assert [x.id for x in await hang_up.hang_up(exchange.live)] == [CALL_ID]
    hang_up.stop()


@instant
async def test_given_a_mark_of_before_a_restart_when_the_pbx_does_not_answer_then_it_goes_on() -> (
    None
):
    exchange = Exchange()
    exchange.switchboard.calls.add(replace(accepted(), hang_up=HangUpMark(EndedBy.API, 1)))
    exchange.pbx.fails = PbxOutcomeUnknown("no answer")
    hang_up = HangUp(exchange.switchboard, exchange.records, sweep_s=0.05)
    exchange.switchboard.pbx_event(appears(channel(CALL_ID)))
    await settle()
    exchange.pbx.fails = None
    exchange.pbx.hung_up.clear()
    await eventually(lambda: exchange.pbx.hung_up == [CALL_ID])
    assert [x.id for x in await hang_up.hang_up(exchange.live)] == [CALL_ID]
    hang_up.stop()


@instant
async def test_given_a_call_marked_by_a_rule_when_it_goes_on_then_it_is_hung_up_again() -> None:
    exchange, hang_up = with_call(CALL_ID)
    exchange.switchboard.calls.mark_hang_up(CALL_ID, EndedBy.TRANSFER_RULE, 1)
    exchange.switchboard.pbx_event(appears(channel("100.1")))
    await eventually(lambda: CALL_ID in exchange.pbx.hung_up)
    hang_up.stop()


@instant
async def test_given_the_first_channel_is_gone_unheard_when_hung_up_then_the_others_are_too() -> (
    None
):
    exchange, hang_up = with_call(CALL_ID, "100.1")
    exchange.pbx.has_channels = False
    assert len(await hang_up.hang_up(exchange.live)) == 1
    assert exchange.pbx.hung_up == [CALL_ID, "100.1"]
    assert [x.hang_up is not None for x in exchange.records.marked] == [True]
    hang_up.stop()


@instant
async def test_given_no_storage_when_hung_up_then_the_next_one_is_not_told_that_it_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exchange, hang_up = with_call()
    exchange.pbx.has_channels = False

    async def fails(_: object) -> None:
        raise StorageUnavailable("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(exchange.records, "mark", fails)
        for _ in range(2):
            with pytest.raises(StorageUnavailable):
                await hang_up.hang_up(exchange.live)
    assert [x.id for x in await hang_up.hang_up(exchange.live)] == [CALL_ID]
    assert len(exchange.records.marked) == 1
    hang_up.stop()


@instant
async def test_given_a_uniqueid_that_cannot_be_sent_when_hung_up_then_it_is_not_confirmed() -> None:
    exchange, hang_up = with_call(CALL_ID)
    exchange.pbx.fails = InvalidPbxValue("uniqueid: no spaces")
    with pytest.raises(PbxUnavailable):
        await hang_up.hang_up(exchange.live)
    hang_up.stop()


@instant
async def test_given_no_channel_comes_when_hung_up_then_the_call_ends_with_the_sweep() -> None:
    exchange, hang_up = with_call()
    exchange.pbx.has_channels = False
    await hang_up.hang_up(exchange.live)
    await eventually(lambda: exchange.live == [])
    [final] = [x.final for x in exchange.records.finished]
    assert final is not None
    assert (final.disposition, final.by, final.reason) == (
        Disposition.NO_ANSWER,
        EndedBy.API,
        "cancelled",
    )
    # Its channel comes all the same: it is hung up, and no call is made of it.
    exchange.pbx.hung_up.clear()
    late = channel(CALL_ID)
    exchange.switchboard.pbx_event(appears(late))
    exchange.switchboard.pbx_event(appears(channel("100.1", linkedid=CALL_ID)))
    await settle()
    assert exchange.pbx.hung_up == [CALL_ID, "100.1"]
    assert exchange.live == []
    exchange.pbx.channels = (late,)
    await exchange.switchboard.resync()
    await settle()
    assert exchange.live == []
    assert len(exchange.records.finished) == 1
    await exchange.switchboard.stop()


@instant
async def test_given_a_call_the_pbx_has_not_taken_when_swept_then_it_is_left_to_its_placing() -> (
    None
):
    exchange, hang_up = with_call()
    exchange.pbx.has_channels = False
    exchange.switchboard.not_taken.add(CALL_ID)
    await hang_up.hang_up(exchange.live)
    await asyncio.sleep(0.2)  # several sweeps
    assert len(exchange.live) == 1
    exchange.switchboard.not_taken.clear()
    await eventually(lambda: exchange.live == [])
    hang_up.stop()


@instant
async def test_given_a_channel_the_list_of_which_is_late_when_swept_then_it_is_hung_up() -> None:
    exchange, hang_up = with_call()
    exchange.pbx.has_channels = False
    await hang_up.hang_up(exchange.live)
    exchange.pbx.has_channels = True
    exchange.pbx.hung_up.clear()
    await eventually(lambda: exchange.pbx.hung_up == [CALL_ID])
    assert len(exchange.live) == 1  # its news are on their way
    hang_up.stop()


@instant
async def test_given_a_confirmed_hang_up_when_killed_then_who_asked_is_known_afterwards() -> None:
    exchange, hang_up = with_call(CALL_ID)
    await hang_up.hang_up(exchange.live)
    assert [x.hang_up is not None for x in exchange.records.tracked[-1:]] == [True]
    hang_up.stop()
