"""A channel of a call that storage knows as ended: the call is never taken up again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from bridge.calls.errors import TooManyCalls
from bridge.calls.pace import Pace
from bridge.calls.pbx import LinkStatus, PbxUnavailable
from bridge.calls.placing import CallLimits, CallPlacement
from bridge.calls.state.phone_call import (
    Disposition,
    EndedBy,
    FinalRecord,
    HangUpMark,
    PhoneCall,
    derived_call_id,
)
from bridge.clock import now_ms
from bridge.faults import StorageUnavailable
from tests.lab.instant_time import instant

from .fakes import CALL_ID, Exchange, FakeRecords, accepted, appears, channel, settle
from .test_placing import accepted_at_once, order

FINAL = FinalRecord(1_000, Disposition.ANSWERED, EndedBy.SOURCE, "normal clearing", 16)
OTHERS = "100.1"
OTHERS_ID = derived_call_id("pbx1", OTHERS)


@instant
async def test_given_an_ended_call_of_ours_when_its_channel_comes_then_it_is_hung_up() -> None:
    exchange = Exchange()
    exchange.records.stored[CALL_ID] = replace(accepted(), final=FINAL)
    with capture_logs() as logs:
        exchange.switchboard.pbx_event(appears(channel(CALL_ID)))
        await settle()
    assert "call_alive_after_its_final_record" in [x["event"] for x in logs]
    assert exchange.live == []
    assert exchange.pbx.hung_up == [CALL_ID]
    assert {x.final for x in exchange.records.finished} == {FINAL}


@pytest.mark.parametrize(
    ("final", "mark"),
    [
        (replace(FINAL, by=EndedBy.AGE_LIMIT), None),
        (FINAL, HangUpMark(EndedBy.API, 900)),
    ],
)
@instant
async def test_given_an_ended_call_that_was_to_end_when_listed_then_it_is_hung_up(
    final: FinalRecord, mark: HangUpMark | None
) -> None:
    exchange = Exchange()
    known = replace(accepted(), id=OTHERS_ID, linkedid=OTHERS, final=final, hang_up=mark)
    exchange.records.stored[OTHERS_ID] = known
    exchange.pbx.channels = (channel(OTHERS, OTHERS),)
    await exchange.switchboard.resync()
    await settle()
    assert exchange.live == []
    assert exchange.pbx.hung_up == [OTHERS]


@instant
async def test_given_an_ended_call_that_goes_on_when_listed_then_it_is_another_call() -> None:
    exchange = Exchange()
    known = replace(accepted(), id=OTHERS_ID, linkedid=OTHERS, final=FINAL)
    exchange.records.stored[OTHERS_ID] = known
    exchange.pbx.channels = (channel(OTHERS, OTHERS),)
    await exchange.switchboard.resync()
    await settle()
    assert [x.id for x in exchange.live] == [derived_call_id("pbx1", f"{OTHERS} {FINAL.at_ms}")]
    assert exchange.pbx.hung_up == []


@instant
async def test_given_no_storage_when_a_call_is_found_then_it_is_followed_all_the_same() -> None:
    class NoStorage(FakeRecords):
        async def find(self, call_id: str) -> PhoneCall | None:
            raise StorageUnavailable("down")

    exchange = Exchange(records=NoStorage())
    exchange.pbx.channels = (channel(OTHERS, OTHERS),)
    with capture_logs() as logs:
        await exchange.switchboard.resync()
        await settle()
    assert [x.id for x in exchange.live] == [OTHERS_ID]
    assert "call_not_looked_up" in [x["event"] for x in logs]


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        (CallLimits(per_extension=9, per_user=9, total=1, destination_wait_s=60), "in all"),
        (CallLimits(per_extension=9, per_user=1, total=9, destination_wait_s=60), "of the user"),
        (CallLimits(per_extension=1, per_user=9, total=9, destination_wait_s=60), "of the ext"),
    ],
)
@instant
async def test_given_as_many_calls_as_may_be_when_one_more_is_placed_then_it_is_refused(
    limits: CallLimits, named: str
) -> None:
    exchange = Exchange()
    placement = CallPlacement(exchange.switchboard, Pace(100, 100, 0), limits)
    await placement.place(order(), accepted_at_once)
    with pytest.raises(TooManyCalls, match=named):
        await placement.place(order(), accepted_at_once)
    assert len(exchange.live) == 1


@instant
async def test_given_no_link_when_a_call_is_placed_then_nothing_is_accepted() -> None:
    exchange = Exchange()
    exchange.pbx.link = LinkStatus(up=False, since_ms=now_ms(), why="refused")
    limits = CallLimits(per_extension=9, per_user=9, total=9, destination_wait_s=60)
    placement = CallPlacement(exchange.switchboard, Pace(100, 100, 0), limits)
    told: list[PhoneCall] = []

    async def accept(call: PhoneCall) -> None:
        told.append(call)

    with pytest.raises(PbxUnavailable, match="refused"):
        await placement.place(order(), accept)
    assert (told, exchange.live) == ([], [])
