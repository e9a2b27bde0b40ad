"""Stories of calls on which an app acts."""

from __future__ import annotations

import asyncio

from bridge.testing.softphones.sipp_behaviour import refuses, rings
from bridge.testing.softphones.softphone import Softphone
from tests.pbx.calls.live_calls import statuses

from .stage import Stage

A, B, C = "0003*210", "0003*211", "0003*212"


async def transfer_by_app_answered(stage: Stage) -> None:
    """210 and 211 talk; the app lets 211 transfer 210 to 212, which picks up and hangs up."""
    a, _, c = await stage.phone(A, "auto"), await stage.phone(B, "auto"), await stage.phone(C)
    call_id = await _talk(stage)
    asked = stage.transfers(call_id, B, C)
    await stage.api.wait_call(call_id, lambda x: 3 in statuses(x))
    stage.says("212 picks up")
    await c.accept()
    assert (await asked).status == 200
    await a.wait_established()
    stage.says("212 hangs up")
    await c.hangup()


async def transfer_by_app_busy(stage: Stage) -> None:
    """The app lets 210 transfer 211 to 212, which is busy; 210 takes 211 back and hangs up."""
    a, _ = await stage.phone(A, "auto"), await stage.phone(B, "auto")
    await stage.scripted(C, refuses(486, "Busy Here"))
    call_id = await _talk(stage)
    await _is_back(stage, call_id, a, stage.transfers(call_id, A, C))


async def transfer_by_app_not_answered(stage: Stage) -> None:
    """The app lets 211 transfer 210 to 212, which rings for 1 s; 211 takes 210 back, hangs up."""
    _, b = await stage.phone(A, "auto"), await stage.phone(B, "auto")
    await stage.scripted(C, rings())
    call_id = await _talk(stage)
    await _is_back(stage, call_id, b, stage.transfers(call_id, B, C, waitForPickup=1))


async def transfer_by_app_taken_by_nobody(stage: Stage) -> None:
    """The app lets 211 transfer 210 to 212, which is busy; 211 is busy as well on the way back."""
    _, b = await stage.phone(A, "auto"), await stage.phone(B, "auto")
    await stage.scripted(C, refuses(486, "Busy Here"))
    call_id = await _talk(stage)
    b.answer = "reject_busy"
    assert (await stage.transfers(call_id, B, C)).status == 409
    await stage.api.wait_ended(call_id)


async def parked_by_app_and_fetched(stage: Stage) -> None:
    """The app lets 211 park 210; the phone of 212 rings, picks up and has 210, which hangs up."""
    a, _, c = await stage.phone(A, "auto"), await stage.phone(B, "auto"), await stage.phone(C)
    call_id = await _talk(stage)
    await stage.parks(call_id, "01", 60)
    asked = stage.rings_for(call_id, "UnPark", C)
    await stage.acting_rings(call_id)
    stage.says("212 picks up")
    await c.accept()
    await asked
    await _talking(stage, call_id)
    stage.says("210 hangs up")
    await a.hangup()


async def parked_by_app_and_returned(stage: Stage) -> None:
    """The app lets 211 park 210 for 1 s; then 211 rings, picks up and hangs up."""
    await stage.phone(A, "auto")
    b = await stage.phone(B, "auto")
    call_id = await _talk(stage)
    b.answer = "manual"
    await stage.parks(call_id, "01", 1)
    await stage.api.wait_call(call_id, lambda x: 3 in statuses(x))
    stage.says("211 picks up")
    await b.accept()
    await _talking(stage, call_id)
    stage.says("211 hangs up")
    await b.hangup()


async def parked_by_app_and_not_taken_back(stage: Stage) -> None:
    """The app lets 211 park 210 for 1 s; then 211 rings and is busy."""
    await stage.phone(A, "auto")
    b = await stage.phone(B, "auto")
    call_id = await _talk(stage)
    b.answer = "reject_busy"
    await stage.parks(call_id, "01", 1)
    await stage.api.wait_ended(call_id)


async def picked_up_by_app(stage: Stage) -> None:
    """211 rings; by the app, 212 rings, picks up and has the call of 210; 212 hangs up."""
    await stage.phone(A, "auto")
    b, c = await stage.phone(B), await stage.phone(C)
    call_id = await stage.posts([A], [B])
    await b.wait_ringing()
    await stage.api.wait_status(call_id, 4)
    asked = stage.rings_for(call_id, "PickUp", C, "01")
    await stage.acting_rings(call_id)
    stage.says("212 picks up")
    await c.accept()
    await asked
    await _talking(stage, call_id)
    stage.says("212 hangs up")
    await c.hangup()


async def picked_up_too_late(stage: Stage) -> None:
    """211 rings, and by the app 212 as well; 211 picks up, so 212 stops; 211 hangs up."""
    await stage.phone(A, "auto")
    b, c = await stage.phone(B), await stage.phone(C)
    call_id = await stage.posts([A], [B])
    await b.wait_ringing()
    await stage.api.wait_status(call_id, 4)
    asked = stage.rings_for(call_id, "PickUp", C, "01", status=409)
    await stage.acting_rings(call_id)
    stage.says("211 picks up")
    await b.accept()
    await asked
    await c.wait_closed()
    stage.says("211 hangs up")
    await b.hangup()


async def listened_to_by_app(stage: Stage) -> None:
    """210 and 211 talk; by the app, 212 rings, picks up and listens; 210 hangs up."""
    a, _, c = await stage.phone(A, "auto"), await stage.phone(B, "auto"), await stage.phone(C)
    call_id = await _talk(stage)
    asked = stage.rings_for(call_id, "Monitor", C, "00")
    await stage.acting_rings(call_id)
    stage.says("212 picks up")
    await c.accept()
    await asked
    stage.says("210 hangs up")
    await a.hangup()
    await c.wait_closed()


async def listened_to_by_app_for_a_while(stage: Stage) -> None:
    """By the app, 212 whispers to 211, and hangs up; 210 and 211 talk on; 211 hangs up."""
    _, b, c = await stage.phone(A, "auto"), await stage.phone(B, "auto"), await stage.phone(C)
    call_id = await _talk(stage)
    asked = stage.rings_for(call_id, "Whisper", C, "01")
    await stage.acting_rings(call_id)
    stage.says("212 picks up")
    await c.accept()
    await asked
    stage.says("212 hangs up")
    await c.hangup()
    await stage.acting_over(call_id)
    stage.says("211 hangs up")
    await b.hangup()


async def _talk(stage: Stage) -> str:
    """210 and 211 pick up and talk."""
    call_id = await stage.posts([A], [B])
    await _talking(stage, call_id)
    return call_id


async def _talking(stage: Stage, call_id: str) -> None:
    await stage.api.wait_call(call_id, lambda x: statuses(x) == [5, 5])


async def _is_back(
    stage: Stage, call_id: str, phone: Softphone, asked: asyncio.Task[object]
) -> None:
    """The transfer fails, the phone takes its party back and hangs up."""
    answer = await asked
    assert getattr(answer, "status", None) == 409
    await _talking(stage, call_id)
    stage.says(f"{phone.user.partition('*')[2]} hangs up")
    await phone.hangup()
