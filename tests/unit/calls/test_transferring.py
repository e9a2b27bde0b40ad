"""Transfers by the API where the PBX refuses, does not answer, or is gone meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from bridge.calls.pbx import PbxOutcomeUnknown, PbxRefused, PbxUnavailable
from bridge.calls.state import pbx_events as ev
from bridge.calls.state.call_views import views_of
from bridge.calls.state.phone_call import CallChannel, EndedBy, LegPhase, PhoneCall
from bridge.calls.state.transfer_rule import is_local_only
from bridge.calls.steering.action_turns import ActionTurns
from bridge.calls.steering.errors import ActionFailed, TransferNotAllowed
from bridge.calls.steering.transfer_pbx import PbxTransfer, TransferStage
from bridge.calls.steering.transferring import TransferOrder, Transferring
from bridge.calls.store.call_document import call_from_document, call_to_document
from bridge.directory.party import Party
from tests.lab.instant_time import instant

from .fakes import CALL_ID, Exchange, accepted

ALICE, BOB, CAROL, BACK = "1.1", "1.2", "1.3", "1.4"
TARGET = Party("212", "0003*212", None, "PJSIP/0003*212")
PUBLIC = Party("3235550200", "3235550200", None, "PJSIP/3235550200@trunk", is_public=True)


class FakeTransfers:
    """`fails`: what the transfer raises, `answers`: what becomes of it by `stage`."""

    def __init__(self) -> None:
        self.sent: list[PbxTransfer] = []
        self.fails: Exception | None = None
        self.answers: list[TransferStage | Exception | None] = []
        self.concluded_of: list[str] = []
        self.not_concluded: Exception | None = None

    async def require(self, contexts: Sequence[str], modules: Sequence[str]) -> None:
        pass

    async def neighbour(self, uniqueid: str) -> str | None:
        return ALICE if uniqueid == BOB else BOB

    async def transfer(self, kept: str, leaving: str, order: PbxTransfer) -> None:
        assert (kept, leaving) == (BOB, ALICE)
        self.sent.append(order)
        if self.fails is not None:
            raise self.fails

    async def stage(self, kept: str) -> TransferStage | None:
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def concluded(self, kept: str) -> None:
        self.concluded_of.append(kept)
        if self.not_concluded is not None:
            raise self.not_concluded

    async def no_room_in(self, mailbox: str) -> str:
        return ""

    async def to_mailbox(self, kept: str, leaving: str, mailbox: str) -> None:
        if self.fails is not None:
            raise self.fails


class Office:
    """210 and 211 talk; 210 transfers 211 to 212."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.pbx = FakeTransfers()
        self.turns = ActionTurns()
        self.service = Transferring(self.exchange.switchboard, self.pbx, self.turns)
        call = accepted()
        ids = (ALICE, BOB)
        legs = tuple(
            replace(leg, uniqueid=uniqueid, phase=LegPhase.UP, answered_ms=2)
            for leg, uniqueid in zip(call.legs, ids, strict=True)
        )
        channels = {x: CallChannel(x, f"PJSIP/{x}", ev.ChannelState.UP, 1) for x in ids}
        self.before = replace(call, legs=legs, channels=channels, answered_ms=2)
        self.exchange.switchboard.calls.add(self.before)

    @property
    def call(self) -> PhoneCall:
        [call] = self.exchange.live
        return call

    async def begins(self, target: Party = TARGET) -> asyncio.Task[PhoneCall]:
        order = TransferOrder(CALL_ID, "00", target, "PJSIP/0003*210", 5, is_local_only)
        task = asyncio.create_task(self.service.transfer(order))
        await asyncio.sleep(0.1)
        return task

    async def hears(self, *events: ev.PbxEvent) -> None:
        for event in events:
            self.exchange.switchboard.pbx_event(event)
        await asyncio.sleep(0.1)

    async def rings(self, uniqueid: str, number: str) -> None:
        channel = ev.ChannelSnapshot(
            uniqueid,
            CALL_ID,
            f"PJSIP/{number}-1",
            f"PJSIP/{number}",
            ev.ChannelState.RINGING,
        )
        await self.hears(
            ev.ChannelAppeared(10, uniqueid, CALL_ID, channel),
            ev.DialBegun(11, BOB, channel, number),
        )

    async def picks_up(self, uniqueid: str) -> None:
        await self.hears(ev.ChannelStateChanged(20, uniqueid, CALL_ID, ev.ChannelState.UP))

    async def hangs_up(self, uniqueid: str, cause: int = 16) -> None:
        await self.hears(ev.ChannelHungUp(30, uniqueid, CALL_ID, cause))


def seen(call: PhoneCall) -> list[tuple[str | None, int]]:
    return [(x.leg.extension, x.status) for x in views_of(call)]


@instant
async def test_given_a_target_that_answers_then_the_call_has_it_and_nothing_leads_back() -> None:
    office = Office()
    office.pbx.answers = [TransferStage(back=False)] * 2
    task = await office.begins()
    assert [(x.number, x.back_number) for x in office.pbx.sent] == [("0003*212", "0003*210")]
    assert seen(office.call) == [("0003*211", 5), (None, 0)]
    await office.hangs_up(ALICE)
    await office.rings(CAROL, "0003*212")
    assert not task.done()
    stored = call_to_document(office.call)
    assert call_from_document(stored) == office.call
    await office.picks_up(CAROL)
    assert seen(await task) == [("0003*211", 5), (None, 5)]
    assert office.pbx.concluded_of == [BOB]


@pytest.mark.parametrize(
    "fault", [PbxRefused("No such channel"), PbxUnavailable("link down")], ids=["refused", "down"]
)
@instant
async def test_given_a_pbx_that_does_not_do_it_then_the_call_is_as_before(fault: Exception) -> None:
    office = Office()
    office.pbx.fails = fault
    with pytest.raises(type(fault)):
        await (await office.begins())
    assert office.call == office.before


@pytest.mark.parametrize("public", [False, True])
@instant
async def test_given_a_stricter_rule_that_comes_while_a_transfer_waits_then_the_rule_holds(
    public: bool,
) -> None:
    office = Office()
    async with office.turns.of(CALL_ID):
        task = await office.begins(PUBLIC if public else TARGET)
        office.exchange.switchboard.change(CALL_ID, lambda x: replace(x, local_transfers_only=True))
    await asyncio.sleep(0.1)
    if public:
        with pytest.raises(TransferNotAllowed, match="3235550200 is a public number"):
            await task
        assert office.pbx.sent == []
        return
    assert [(x.local_only, x.stays_local) for x in office.pbx.sent] == [(True, True)]
    task.cancel()


@pytest.mark.parametrize("allowed", [False, True])
@instant
async def test_given_a_public_target_then_its_party_cannot_send_it_to_another_unless_wished(
    allowed: bool,
) -> None:
    office = Office()
    office.exchange.switchboard.change(CALL_ID, lambda x: replace(x, allow_public_transfer=allowed))
    task = await office.begins(PUBLIC)
    assert [(x.local_only, x.stays_local) for x in office.pbx.sent] == [(False, not allowed)]
    # The target may not answer: the call keeps no rule of it.
    assert not office.call.local_transfers_only
    assert is_local_only(call_from_document(call_to_document(office.call))) is not allowed
    task.cancel()


@instant
async def test_given_a_target_that_is_in_the_call_by_now_then_the_transfer_is_refused() -> None:
    office = Office()
    async with office.turns.of(CALL_ID):
        task = await office.begins()
        await office.rings(CAROL, "0003*212")
    with pytest.raises(ActionFailed, match="212 is in the call by now"):
        await task
    assert office.pbx.sent == []


@pytest.mark.parametrize("done", [False, True])
@instant
async def test_given_no_word_of_the_pbx_then_the_next_list_of_channels_says_whether_it_did_it(
    done: bool,
) -> None:
    office = Office()
    office.pbx.fails = PbxOutcomeUnknown("Redirect")
    task = await office.begins()

    def listed(uniqueid: str, bridge: str) -> ev.ChannelSnapshot:
        name, up = f"PJSIP/{uniqueid}-1", ev.ChannelState.UP
        return ev.ChannelSnapshot(uniqueid, CALL_ID, name, f"PJSIP/{uniqueid}", up, bridge=bridge)

    channels = [listed(BOB, "" if done else "a")]
    channels += [] if done else [listed(ALICE, "a")]
    office.exchange.switchboard.link_up(ev.PbxSnapshot(40, tuple(channels)))
    if done:
        office.pbx.answers = [TransferStage(back=False)] * 2
        await office.rings(CAROL, "0003*212")
        await office.picks_up(CAROL)
        assert seen(await task) == [("0003*211", 5), (None, 5)]
        return
    with pytest.raises(ActionFailed, match="nothing has changed"):
        await task
    assert seen(office.call) == seen(office.before)
    assert [x.side for x in office.call.legs] == [x.side for x in office.before.legs]


@instant
async def test_given_a_link_that_breaks_while_the_target_rings_then_the_outcome_is_unknown() -> (
    None
):
    office = Office()
    office.pbx.answers = [PbxUnavailable("link down")]
    task = await office.begins()
    await office.rings(CAROL, "0003*212")
    with pytest.raises(PbxOutcomeUnknown, match="212 still rings"):
        await task
    assert len(office.pbx.sent) == 1


@instant
async def test_given_a_target_that_rings_for_ever_then_the_answer_comes_all_the_same() -> None:
    office = Office()
    office.pbx.answers = [TransferStage(back=False)]
    task = await office.begins()
    await office.rings(CAROL, "0003*212")
    with pytest.raises(PbxOutcomeUnknown, match="212 still rings"):
        await asyncio.wait_for(task, 60)


@instant
async def test_given_a_target_that_has_hung_up_again_then_it_had_the_party() -> None:
    """The news of the answer and of the end come together, and the PBX knows neither channel."""
    office = Office()
    office.pbx.not_concluded = PbxRefused("No such channel")
    task = await office.begins()
    await office.hangs_up(ALICE)
    await office.rings(CAROL, "0003*212")
    await office.picks_up(CAROL)
    assert not task.done()
    await office.hangs_up(CAROL)
    await office.hangs_up(BOB)
    ended = await task
    assert ended.final is not None
    assert (ended.final.by, ended.final.reason) == (EndedBy.PBX, "normal clearing")


@pytest.mark.parametrize("told", [True, False], ids=["told by the PBX", "over at once"])
@instant
async def test_given_nobody_who_takes_the_party_then_the_record_and_the_answer_say_so(
    told: bool,
) -> None:
    office = Office()
    stages = [TransferStage(back=False), TransferStage(back=True, cause=17)]
    office.pbx.answers = list(stages) if told else []
    task = await office.begins()
    await office.hangs_up(ALICE)
    await office.rings(CAROL, "0003*212")
    await office.hangs_up(CAROL, 17)
    await office.rings(BACK, "0003*210")
    await office.hangs_up(BACK, 19)
    assert not task.done()
    await office.hangs_up(BOB, 19)
    with pytest.raises(ActionFailed, match=r"212 is busy, 0003\*210 did not take it back"):
        await task
    [ended] = office.exchange.records.finished
    assert ended.final is not None
    assert (ended.final.by, ended.final.reason) == (EndedBy.PBX, "transfer not answered")


@instant
async def test_given_a_duration_that_is_over_while_the_target_rings_then_the_record_says_that() -> (
    None
):
    office = Office()
    office.exchange.switchboard.change(CALL_ID, lambda x: replace(x, duration_s=2))
    office.pbx.answers = [TransferStage(back=False)]
    task = await office.begins()
    await office.hangs_up(ALICE)
    await office.rings(CAROL, "0003*212")
    for uniqueid in (CAROL, BOB):
        await office.hears(ev.ChannelHungUp(2_002, uniqueid, CALL_ID, 16))
    with pytest.raises(ActionFailed, match="the call has ended"):
        await task
    [ended] = office.exchange.records.finished
    assert ended.final is not None
    assert (ended.final.by, ended.final.reason) == (EndedBy.DURATION_LIMIT, "normal clearing")


@pytest.mark.parametrize("fault", [None, PbxRefused("No such channel")])
@instant
async def test_given_a_mailbox_then_the_answer_comes_once_it_has_the_party(
    fault: Exception | None,
) -> None:
    office = Office()
    office.pbx.fails = fault
    task = asyncio.create_task(office.service.to_voicemail(CALL_ID, "00", TARGET))
    await asyncio.sleep(0.1)
    if fault is not None:
        with pytest.raises(PbxRefused):
            await task
        assert office.call == office.before
        return
    assert not task.done()
    await office.hangs_up(ALICE)
    await office.hears(ev.MailboxReached(20, BOB, CALL_ID, "0003*212"))
    assert (await task).mailbox == "0003*212"
