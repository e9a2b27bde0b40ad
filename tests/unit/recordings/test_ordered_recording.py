"""StartRecording and StopRecording: what an app's order changes, and that a fault takes it back."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bridge.calls.live.change import Change
from bridge.calls.pbx import PbxUnavailable
from bridge.calls.state.phone_call import (
    Disposition,
    EndedBy,
    FinalRecord,
    HangUpMark,
    PhoneCall,
    Side,
)
from bridge.calls.steering.action_turns import ActionTurns
from bridge.calls.steering.errors import ActionFailed
from bridge.clock import now_ms
from bridge.faults import StorageUnavailable
from bridge.recordings.ordered_recording import BEGINS_WITHIN_S, OrderedRecording
from bridge.recordings.recording_pbx import AudioError
from tests.lab.instant_time import instant
from tests.unit.calls.fakes import CALL_ID

from .fakes import DIRECTORY, REQUEST, Studio, connected

LINK_DOWN = PbxUnavailable("the link to the PBX is down")


def stage(call: PhoneCall, studio: Studio | None = None) -> tuple[Studio, OrderedRecording]:
    studio = studio or Studio()
    switchboard = studio.exchange.switchboard
    switchboard.calls.add(call)
    return studio, OrderedRecording(
        switchboard, studio.recorder, DIRECTORY, studio.locks, ActionTurns()
    )


def order_of(studio: Studio) -> bool | None:
    call = studio.exchange.switchboard.calls.live.get(CALL_ID)
    assert call is not None
    return call.recording_order


async def test_a_call_is_recorded_from_the_order_on_and_until_the_next_one() -> None:
    studio, ordered = stage(connected(recording=False))
    await ordered.start(CALL_ID)
    assert studio.world.diary == ["create record", f"start {CALL_ID}"]
    assert order_of(studio) is True
    await ordered.pause(CALL_ID, paused=True)
    muted = [f"mute {CALL_ID} {x} channel True" for x in ("from", "to")]
    assert sorted(studio.world.diary[2:]) == muted
    await ordered.pause(CALL_ID, paused=False)
    assert sorted(studio.world.diary[4:]) == [x.replace("True", "False") for x in muted]
    await ordered.stop(CALL_ID)
    assert studio.world.diary[-1] == f"stop {CALL_ID}"
    assert order_of(studio) is False
    stored = dict.fromkeys(x.recording_order for x in studio.exchange.records.tracked)
    assert list(stored) == [True, False]


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (LINK_DOWN, PbxUnavailable),
        (AudioError("No space left on device"), PbxUnavailable),
    ],
)
async def test_given_a_pbx_that_fails_then_the_order_is_taken_back(
    fault: Exception, raised: type[Exception]
) -> None:
    studio, ordered = stage(connected(recording=False))
    studio.world.fails = fault
    with pytest.raises(raised, match=str(fault)):
        await ordered.start(CALL_ID)
    assert order_of(studio) is None


async def test_given_a_database_that_is_down_then_the_order_is_taken_back() -> None:
    studio, ordered = stage(connected(recording=False))
    studio.world.storage_fails = StorageUnavailable("down")
    with pytest.raises(StorageUnavailable):
        await ordered.start(CALL_ID)
    assert order_of(studio) is None
    assert studio.world.diary == []


async def test_given_a_call_that_cannot_be_recorded_then_the_reason_is_said() -> None:
    studio, ordered = stage(connected(recording=False), Studio(switched_on=False))
    with pytest.raises(ActionFailed, match="did not begin to record it"):
        await ordered.start(CALL_ID)
    assert order_of(studio) is None
    with pytest.raises(ActionFailed, match="is not being recorded"):
        await ordered.pause(CALL_ID, paused=True)


async def test_given_a_recording_that_was_deleted_then_the_call_is_not_recorded_again() -> None:
    call = connected(recording=False)
    studio, ordered = stage(call)
    await ordered.start(CALL_ID)
    [stored] = studio.world.records.values()
    await studio.deletion.delete(stored, REQUEST)
    with pytest.raises(ActionFailed, match="was deleted, and it is not recorded again"):
        await ordered.start(CALL_ID)
    assert [x for x in studio.world.diary if x.startswith("start")] == [f"start {CALL_ID}"]


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (replace(connected(), answered_ms=None), "nobody has answered"),
        (replace(connected(), hang_up=HangUpMark(EndedBy.API, 1)), "the call has ended"),
        (replace(connected(), id="00000000000000000xyz"), "the call has ended"),
    ],
)
async def test_given_no_talk_then_there_is_nothing_to_record(call: PhoneCall, why: str) -> None:
    studio, ordered = stage(call)
    for act in (ordered.start, ordered.stop):
        with pytest.raises(ActionFailed, match=why):
            await act(CALL_ID)
    assert studio.world.diary == []


async def test_a_call_of_an_extension_that_is_always_recorded_cannot_be_stopped() -> None:
    call = connected()
    always = replace(call.legs[1], extension="0003*214", number="0003*214")
    studio, ordered = stage(replace(call, legs=(call.legs[0], always)))
    with pytest.raises(ActionFailed, match=r"extension 0003\*214 are always recorded"):
        await ordered.stop(CALL_ID)
    assert order_of(studio) is None


@pytest.mark.parametrize("wanted", [True, False])
@instant
async def test_given_news_from_before_the_order_when_followed_after_it_then_the_order_holds(
    wanted: bool,
) -> None:
    before = connected(recording=False)
    studio, ordered = stage(before)
    await ordered.start(CALL_ID)
    if wanted:
        await ordered.stop(CALL_ID)
    async with studio.locks.of(CALL_ID):
        act = ordered.start if wanted else ordered.stop
        task = asyncio.create_task(act(CALL_ID))
        await asyncio.sleep(0.1)
        stale = replace(before, recording_order=not wanted)
        studio.recorder.changed(Change(None, stale, ()))
        await asyncio.sleep(0.1)
    await task
    await asyncio.sleep(0.1)
    kinds = [x.split()[0] for x in studio.world.diary if not x.startswith("create")]
    assert kinds == ["start", "stop", "start"][: 3 if wanted else 2]


@pytest.mark.parametrize("after_s", [1.0, 9.0])
@instant
async def test_given_nobody_who_talks_when_started_then_it_begins_once_somebody_does(
    after_s: float,
) -> None:
    """As while the target of a transfer rings."""
    studio, ordered = stage(replace(connected(recording=False), first_to_hang_up=Side.SOURCE))
    switchboard = studio.exchange.switchboard
    switchboard.observe(studio.recorder.changed)
    task = asyncio.create_task(ordered.start(CALL_ID))
    await asyncio.sleep(after_s)
    assert task.done() is (after_s > BEGINS_WITHIN_S)
    assert "start" not in " ".join(studio.world.diary)
    assert order_of(studio) is True
    switchboard.change(CALL_ID, lambda x: replace(x, first_to_hang_up=None))
    await task
    await asyncio.sleep(0.1)
    assert studio.world.diary[-1] == f"start {CALL_ID}"


@instant
async def test_given_nobody_who_talks_when_started_and_stopped_then_the_last_order_holds() -> None:
    studio, ordered = stage(replace(connected(recording=False), first_to_hang_up=Side.SOURCE))
    task = asyncio.create_task(ordered.start(CALL_ID))
    await asyncio.sleep(0.2)
    await ordered.stop(CALL_ID)
    await task
    assert order_of(studio) is False


@instant
async def test_given_a_call_that_ends_before_somebody_talks_then_the_answer_says_so() -> None:
    studio, ordered = stage(replace(connected(recording=False), first_to_hang_up=Side.SOURCE))
    task = asyncio.create_task(ordered.start(CALL_ID))
    await asyncio.sleep(0.2)
    final = FinalRecord(now_ms(), Disposition.ANSWERED, EndedBy.PBX, "over")
    studio.exchange.switchboard.end(CALL_ID, final)
    with pytest.raises(ActionFailed, match="the call has ended"):
        await task
