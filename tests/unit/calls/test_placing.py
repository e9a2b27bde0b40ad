"""From an accepted call to one that the PBX has taken, whatever happens on the way."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

import pytest
import structlog

from bridge.calls.call_order import NewCall
from bridge.calls.errors import CallNotPlaced, TooManyCalls
from bridge.calls.hanging_up import HangUp
from bridge.calls.pace import Pace
from bridge.calls.pbx import (
    InvalidPbxValue,
    OriginateOrder,
    PbxOutcomeUnknown,
    PbxRefused,
    TransferScope,
)
from bridge.calls.placing import CallLimits, CallPlacement, Places
from bridge.calls.state import pbx_events as ev
from bridge.calls.state.acts_on import CallAction
from bridge.calls.state.phone_call import Disposition, EndedBy, FinalRecord, LegPhase, PhoneCall
from bridge.calls.steering.acting_calls import ActingCalls, ActionOrder
from bridge.calls.store.call_document import call_from_document, call_to_document
from bridge.clock import now_ms
from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.caller_ids import CallerId
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.directory.party import Party
from bridge.faults import StorageUnavailable
from bridge.testing.eventually import eventually
from tests.lab.instant_time import instant

from .fakes import Exchange, accepted, appears, channel

DIRECTORY = CurrentDirectory(EXAMPLE_FILE, ThrowawaySecrets()).directory


def party(number: str) -> Party:
    extension = DIRECTORY.extensions[number]
    return Party(number, number, extension, extension.dial, extension.endpoint)


def order(
    source: str = "0003*210", payer: str = "0003*210", destination: str = "0003*211"
) -> NewCall:
    nobody = CallerId("", "")
    return NewCall(
        extension=DIRECTORY.extensions[payer],
        extension_spelled=payer,
        sources=(party(source),),
        destinations=(party(destination),),
        caller_id=nobody,
        destination_caller_id=nobody,
        nonce=None,
        wait_s=25,
        duration_s=60,
        allow_public_transfer=True,
        video=False,
        client_id="app",
        recording=None,
    )


class Placed(Exchange):
    def __init__(self, grace_s: float = 10.0) -> None:
        super().__init__(grace_s)
        limits = CallLimits(per_extension=9, per_user=9, total=9, destination_wait_s=60)
        self.placement = CallPlacement(self.switchboard, Pace(100, 100, 0), limits)


async def accepted_at_once(call: PhoneCall) -> None:
    pass


@pytest.mark.parametrize(
    ("source", "payer", "destination", "local_only"),
    [
        ("0003*210", "0003*210", "0003*211", False),
        ("0003*214", "0003*210", "0003*211", True),
        ("0003*210", "0003*210", "0003*214", True),
        ("0003*210", "0003*214", "0003*211", True),
        ("0003*210", "0003*210", "0003*300", False),  # a queue, an IVR, a conference
        ("0003*210", "0003*210", "0003*400", False),
        ("0003*210", "0003*210", "0003*500", False),
    ],
)
@instant
async def test_given_who_may_call_nobody_outside_then_the_call_cannot_be_transferred_there(
    source: str, payer: str, destination: str, local_only: bool
) -> None:
    call = await Placed().placement.place(order(source, payer, destination), accepted_at_once)
    assert call.local_transfers_only is local_only


@pytest.mark.parametrize(
    ("allowed", "scope"), [(False, TransferScope.ONE_PUBLIC), (True, TransferScope.ANY)]
)
@instant
async def test_given_a_local_call_then_it_and_the_pbx_keep_what_is_wished_of_public_numbers(
    allowed: bool, scope: TransferScope
) -> None:
    exchange = Placed()
    wished = replace(order(), allow_public_transfer=allowed)
    call = await exchange.placement.place(wished, accepted_at_once)
    assert call_from_document(call_to_document(call)).allow_public_transfer is allowed
    assert [x.transfer_scope for x in exchange.pbx.originated] == [scope]


@pytest.mark.parametrize(
    ("source", "destination", "phones"),
    [
        ("0003*210", "0003*211", (True, True)),
        ("0003*210", "0003*300", (True, False)),  # a queue, whose agents nobody knows yet
        ("0003*400", "0003*211", (False, True)),
    ],
)
@instant
async def test_given_who_is_a_phone_then_the_pbx_is_told_that_its_rights_are_known(
    source: str, destination: str, phones: tuple[bool, bool]
) -> None:
    exchange = Placed()
    await exchange.placement.place(order(source, "0003*210", destination), accepted_at_once)
    [told] = exchange.pbx.originated
    assert (told.phones_of_source, told.phones_of_destination) == phones


@instant
async def test_given_a_database_that_takes_long_when_resynced_then_the_call_is_dialled() -> None:
    exchange = Placed(grace_s=0.0)

    async def slow(call: PhoneCall) -> None:
        await exchange.switchboard.resync()

    call = await exchange.placement.place(order(), slow)
    assert [x.id for x in exchange.live] == [call.id]
    await exchange.switchboard.resync()  # nor in the moment before its channel is heard of
    assert [x.id for x in exchange.live] == [call.id]


@instant
async def test_given_a_call_that_was_ended_meanwhile_when_accepted_then_it_is_not_placed() -> None:
    exchange = Placed()

    async def ended(call: PhoneCall) -> None:
        final = FinalRecord(1, Disposition.UNKNOWN, EndedBy.AGE_LIMIT, "")
        exchange.switchboard.end(call.id, final)

    with pytest.raises(CallNotPlaced):
        await exchange.placement.place(order(), ended)


async def accepted_all(calls: Sequence[PhoneCall]) -> None:
    pass


@instant
async def test_given_no_answer_of_the_pbx_when_a_create_does_not_wait_then_it_is_taken() -> None:
    exchange = Placed()
    exchange.pbx.answers_originates.clear()
    placing = exchange.placement.place_all([order()] * 2, accepted_all, wait_for_pbx=False)
    calls = await placing
    assert [x.call_id for x in exchange.pbx.originated] == [x.id for x in calls]
    assert exchange.switchboard.not_taken == {x.id for x in calls}
    finish = asyncio.create_task(exchange.placement.finish())
    await asyncio.sleep(60)
    assert not finish.done()
    exchange.pbx.answers_originates.set()
    await finish
    assert exchange.switchboard.not_taken == set()


@instant
async def test_given_a_call_on_disk_then_it_is_dialled_before_anything_else_gets_a_turn() -> None:
    exchange, dialled_by_then = Placed(), list[int]()

    async def stored(calls: Sequence[PhoneCall]) -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: dialled_by_then.append(len(exchange.pbx.originated)))

    await exchange.placement.place_all([order()], stored, wait_for_pbx=False)
    await asyncio.sleep(0)
    assert dialled_by_then == [1]


@instant
async def test_given_a_create_cut_off_in_its_commit_then_its_call_does_not_stay_live_on_disk() -> (
    None
):
    exchange, begun = Placed(), asyncio.Event()

    async def never_ends(calls: Sequence[PhoneCall]) -> None:
        begun.set()
        await asyncio.Event().wait()

    placing = exchange.placement.place_all([order()], never_ends, wait_for_pbx=False)
    task = asyncio.create_task(placing)
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (exchange.live, exchange.pbx.originated) == ([], [])
    assert [x.final and x.final.disposition for x in exchange.records.finished] == [
        Disposition.FAILED
    ]
    await exchange.placement.finish()


@instant
async def test_given_a_refusal_after_the_create_was_answered_then_the_call_alone_tells_it() -> None:
    exchange = Placed()
    exchange.pbx.fails = PbxRefused("no")
    with structlog.testing.capture_logs() as logs:
        [call] = await exchange.placement.place_all([order()], accepted_all, wait_for_pbx=False)
        await exchange.placement.finish()
        await asyncio.sleep(0)
    [ended] = exchange.records.finished
    assert (ended.id, ended.final and ended.final.reason) == (call.id, "no")
    assert [x["event"] for x in logs if x["log_level"] == "error"] == []


@instant
async def test_given_one_of_two_that_cannot_be_written_then_the_other_is_not_waited_for() -> None:
    exchange = Placed()
    exchange.pbx.answers_originates.clear()
    writes = exchange.pbx.originate

    def second_fails(order: OriginateOrder) -> Coroutine[Any, Any, None]:
        if exchange.pbx.originated:
            raise InvalidPbxValue("no")
        return writes(order)

    exchange.pbx.originate = second_fails  # type: ignore[method-assign]
    calls = await exchange.placement.place_all([order()] * 2, accepted_all, wait_for_pbx=False)
    assert [x.id for x in exchange.records.finished] == [calls[1].id]
    exchange.pbx.answers_originates.set()
    await exchange.placement.finish()


@instant
async def test_given_a_create_that_has_just_had_its_turn_then_the_stop_waits_for_its_dial() -> None:
    exchange = Placed()
    task = asyncio.create_task(exchange.placement.place(order(), accepted_at_once))
    await asyncio.sleep(0)
    await exchange.placement.finish()
    assert [x.call_id for x in exchange.pbx.originated] == [(await task).id]


@pytest.mark.parametrize("wait_for_pbx", [True, False])
@instant
async def test_given_a_defect_at_the_second_of_two_then_the_first_is_followed_and_the_other_ends(
    wait_for_pbx: bool,
) -> None:
    exchange = Placed()
    exchange.pbx.fails = PbxRefused("no")
    writes = exchange.pbx.originate

    def second_fails(order: OriginateOrder) -> Coroutine[Any, Any, None]:
        if exchange.pbx.originated:
            raise RuntimeError("a defect")
        return writes(order)

    exchange.pbx.originate = second_fails  # type: ignore[method-assign]
    placing = exchange.placement.place_all([order()] * 2, accepted_all, wait_for_pbx=wait_for_pbx)
    with structlog.testing.capture_logs() as logs:
        [outcome] = await asyncio.gather(placing, return_exceptions=True)
        await exchange.placement.finish()
    assert isinstance(outcome, RuntimeError if wait_for_pbx else list)
    assert exchange.live == []
    finals = [x.final for x in exchange.records.finished]
    assert sorted(x.reason for x in finals if x) == ["internal error", "no"]
    assert [x["event"] for x in logs if x["log_level"] == "error"] == ["originate_failed"]


@instant
async def test_given_a_defect_in_the_answer_of_the_pbx_then_it_is_compared_with_soon() -> None:
    exchange = Placed(grace_s=2)
    exchange.pbx.fails = RuntimeError("a defect")
    with structlog.testing.capture_logs() as logs:
        call = await exchange.placement.place(order(), accepted_at_once)
    assert [x.id for x in exchange.live] == [call.id]
    assert "originate_answer_failed" in [x["event"] for x in logs]
    exchange.pbx.fails = None
    await eventually(lambda: exchange.live == [])
    assert [x.id for x in exchange.records.finished] == [call.id]


@instant
async def test_given_none_that_can_be_written_then_a_create_is_told_why() -> None:
    exchange = Placed()
    exchange.pbx.fails = InvalidPbxValue("no")
    with pytest.raises(CallNotPlaced, match="no"):
        await exchange.placement.place_all([order()] * 2, accepted_all, wait_for_pbx=False)
    assert len(exchange.records.finished) == 2


@pytest.mark.parametrize("unknown", [True, False])
@instant
async def test_given_a_commit_that_nobody_knows_of_then_the_call_does_not_stay_live_on_disk(
    unknown: bool,
) -> None:
    exchange = Placed()

    async def lost(call: PhoneCall) -> None:
        raise StorageUnavailable("away", outcome_unknown=unknown)

    with pytest.raises(StorageUnavailable):
        await exchange.placement.place(order(), lost)
    assert exchange.live == []
    finals = [x.final for x in exchange.records.finished]
    assert [x.disposition for x in finals if x] == ([Disposition.FAILED] if unknown else [])


@instant
async def test_given_no_word_of_the_pbx_when_dialled_then_it_is_compared_with_soon() -> None:
    exchange = Placed(grace_s=2)
    exchange.pbx.fails = PbxOutcomeUnknown("no answer")
    call = await exchange.placement.place(order(), accepted_at_once)
    assert [x.id for x in exchange.live] == [call.id]
    exchange.pbx.fails = None
    await eventually(lambda: exchange.live == [])
    [ended] = exchange.records.finished
    assert replace(ended, final=None).id == call.id


@instant
async def test_given_many_unconfirmed_originates_then_lists_are_asked_for_one_by_one() -> None:
    exchange = Placed(grace_s=2)
    exchange.pbx.fails = PbxOutcomeUnknown("no answer")
    for _ in range(9):
        await exchange.placement.place(order(), accepted_at_once)
    exchange.pbx.fails = None
    lists = 0

    def count() -> None:
        nonlocal lists
        lists += 1

    exchange.pbx.during_snapshot = count
    await eventually(lambda: exchange.live == [])
    await asyncio.sleep(3600)
    assert lists <= 2
    await exchange.switchboard.stop()


@instant
async def test_given_a_channel_that_went_unheard_when_the_link_is_back_then_the_call_ends() -> None:
    """Although it has only just been placed."""
    exchange = Placed()
    call = await exchange.placement.place(order(), accepted_at_once)
    exchange.switchboard.pbx_event(ev.OriginateEnded(now_ms(), call.id, succeeded=True, reason=4))
    exchange.switchboard.pbx_event(appears(channel(call.id, call.id)))
    exchange.switchboard.link_up(ev.PbxSnapshot(now_ms(), ()))
    assert exchange.live == []
    await exchange.switchboard.stop()


class Lacking:
    """A PBX with all parts for actions. While it is asked, `meanwhile` happens."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        self.meanwhile = meanwhile

    async def lacks_for(self, action: CallAction) -> str:
        self.meanwhile()
        return ""

    async def listen_again(self, call_id: str) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("allowed", "outside", "scope"),
    [
        (False, False, TransferScope.ONE_PUBLIC),
        (False, True, TransferScope.LOCAL),
        (True, True, TransferScope.ANY),
    ],
)
@instant
async def test_given_a_call_to_pick_up_then_its_rule_counts_for_the_phone_that_does(
    allowed: bool, outside: bool, scope: TransferScope
) -> None:
    exchange = Placed()
    base = accepted()
    ringing = replace(base.legs[1], uniqueid="1.2", phase=LegPhase.RINGING)
    other = replace(base, legs=(base.legs[0], ringing), allow_public_transfer=allowed)
    exchange.switchboard.calls.add(other)

    def public_number_comes() -> None:
        public = replace(base.legs[1], view_id="02", number="3235550200", extension=None)
        exchange.switchboard.change(other.id, lambda x: replace(x, legs=(*x.legs, public)))

    hang_up = HangUp(exchange.switchboard, exchange.records, 60)
    pbx = Lacking(public_number_comes if outside else lambda: None)
    acting = ActingCalls(exchange.switchboard, exchange.placement, hang_up, accepted_at_once, pbx)
    extension, nobody = DIRECTORY.extensions["0003*212"], CallerId("", "")
    task = asyncio.create_task(
        acting.act(
            ActionOrder(
                CallAction.PICK_UP, other, ringing, party("0003*212"), extension, nobody, 5, 60, "a"
            )
        )
    )
    await eventually(lambda: len(exchange.pbx.originated) == 1)
    assert [x.transfer_scope for x in exchange.pbx.originated] == [scope]
    [picks_up] = [x for x in exchange.live if x.id != other.id]
    assert picks_up.allow_public_transfer is allowed
    task.cancel()
    acting.stop()


def futures() -> int:
    gc.collect()
    return sum(isinstance(x, asyncio.Future) for x in gc.get_objects())


@pytest.mark.parametrize("stored", [True, False])
@instant
async def test_given_actions_whose_calls_were_not_placed_then_nothing_is_left_of_them(
    stored: bool,
) -> None:
    exchange = Placed()
    base = accepted()
    ringing = replace(base.legs[1], uniqueid="1.2", phase=LegPhase.RINGING)
    other = replace(base, legs=(base.legs[0], ringing))
    exchange.switchboard.calls.add(other)

    async def accept(call: PhoneCall) -> None:
        if not stored:
            raise StorageUnavailable("away")

    hang_up = HangUp(exchange.switchboard, exchange.records, 60)
    pbx = Lacking(lambda: None)
    acting = ActingCalls(exchange.switchboard, exchange.placement, hang_up, accept, pbx)
    extension, nobody = DIRECTORY.extensions["0003*212"], CallerId("", "")
    asked = ActionOrder(
        CallAction.PICK_UP, other, ringing, party("0003*212"), extension, nobody, 5, 60, "a"
    )
    counted = []
    for _ in range(4):
        exchange.pbx.fails = PbxRefused("no")  # a fault that is raised again keeps its tracebacks
        with pytest.raises(CallNotPlaced if stored else StorageUnavailable):
            await acting.act(asked)
        await asyncio.sleep(1)
        counted.append(futures())
    assert counted[-1] == counted[0]
    acting.stop()
    await exchange.switchboard.stop()


class OnAnotherPbx:
    """Of an organization that has moved: each extension pays for 3 calls there, each user for 8."""

    def of_extension(self, number: str, pbx: str) -> int:
        assert (number, pbx) == ("0003*210", "pbx1")
        return 3

    def of_user(self, user_id: int, pbx: str) -> int:
        assert (user_id, pbx) == (DIRECTORY.extensions["0003*210"].user_id, "pbx1")
        return 8


@instant
async def test_given_calls_on_another_pbx_then_they_count_for_the_limits() -> None:
    exchange = Exchange()
    limits = CallLimits(per_extension=9, per_user=9, total=9, destination_wait_s=60)
    placement = CallPlacement(exchange.switchboard, Pace(100, 100, 0), limits, OnAnotherPbx())
    extension = DIRECTORY.extensions["0003*210"]
    assert placement.places(extension) == (Places(9, 1), Places(9, 1))
    await placement.place(order(), accepted_at_once)
    with pytest.raises(TooManyCalls, match="of the user"):
        await placement.place(order(), accepted_at_once)
