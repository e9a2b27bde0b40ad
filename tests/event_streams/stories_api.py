"""Stories of calls that an app creates."""

from __future__ import annotations

from bridge.testing.softphones.sipp_behaviour import early_media, refuses, rings
from bridge.testing.softphones.softphone import Softphone
from tests.pbx.calls.live_calls import statuses

from .stage import Stage

A, B, C, D = "0003*210", "0003*211", "0003*212", "0003*213"
ANSWERS, BUSY, REJECTS, CONGESTED, RINGS, UNKNOWN_NUMBER, EARLY_MEDIA = (
    "3235550200",
    "3235550486",
    "3235550603",
    "3235550503",
    "3235550180",
    "3235550404",
    "3235550183",
)


async def simple_source_hangs_up(stage: Stage) -> None:
    """210 rings and picks up, 211 rings and picks up, 210 hangs up."""
    a, b = await stage.phone(A), await stage.phone(B)
    await _talk(stage, a, b)
    stage.says("210 hangs up")
    await a.hangup()


async def simple_destination_hangs_up(stage: Stage) -> None:
    """210 rings and picks up, 211 rings and picks up, 211 hangs up."""
    a, b = await stage.phone(A), await stage.phone(B)
    await _talk(stage, a, b)
    stage.says("211 hangs up")
    await b.hangup()


async def simple_deleted_in_talk(stage: Stage) -> None:
    """210 and 211 talk; the app deletes the call."""
    a, b = await stage.phone(A), await stage.phone(B)
    await stage.deletes(await _talk(stage, a, b))


async def simple_duration_limit(stage: Stage) -> None:
    """210 and 211 talk; after callDuration, 1 s, the PBX ends it."""
    a, b = await stage.phone(A), await stage.phone(B)
    call_id = await _talk(stage, a, b, callDuration="1")
    await stage.api.wait_ended(call_id)


async def simple_held_and_resumed(stage: Stage) -> None:
    """210 and 211 talk; 211 holds, resumes; 210 hangs up."""
    a, b = await stage.phone(A), await stage.phone(B)
    await _talk(stage, a, b)
    stage.says("211 holds")
    await b.hold()
    stage.says("211 resumes")
    await b.resume()
    stage.says("210 hangs up")
    await a.hangup()


async def early_media_of_public_number(stage: Stage) -> None:
    """210 picks up; the public number sends early media (183) and no 180; 210 gives up."""
    a = await stage.phone(A, "auto")
    call_id = await stage.posts([A], [EARLY_MEDIA])
    await stage.api.wait_status(call_id, 4)
    stage.says("210 gives up")
    await a.hangup()


async def early_media_of_source(stage: Stage) -> None:
    """210 sends early media (183) and answers; 211 does the same; 210 hangs up."""
    await stage.scripted(A, early_media(ring_ms=300, talk_ms=1500))
    await stage.scripted(B, early_media(ring_ms=300))
    await stage.api.wait_status(await stage.posts([A], [B]), 5)


async def fork_second_source_wins(stage: Stage) -> None:
    """210, 211 and 212 ring; 211 picks up, the others stop; 213 rings and answers; 211 hangs up."""
    a, b, c = await stage.phone(A), await stage.phone(B), await stage.phone(C)
    d = await stage.phone(D)
    call_id = await stage.posts([A, B, C], [D])
    for phone in (a, b, c):
        await phone.wait_ringing()
    stage.says("211 picks up")
    await b.accept()
    await d.wait_ringing()
    stage.says("213 picks up")
    await d.accept()
    await stage.api.wait_status(call_id, 5)
    stage.says("211 hangs up")
    await b.hangup()


async def fork_nobody_answers(stage: Stage) -> None:
    """210 and 211 ring for waitForPickup, 1 s; nobody answers."""
    await stage.scripted(A, rings())
    await stage.scripted(B, rings())
    await stage.api.wait_ended(await stage.posts([A, B], [D], waitForPickup="1"))


async def fork_one_rejects_one_answers(stage: Stage) -> None:
    """210 rejects (603), 211 picks up; 212 rings and answers; the app deletes the call."""
    await stage.scripted(A, refuses(603, "Decline"))
    b, c = await stage.phone(B), await stage.phone(C)
    call_id = await stage.posts([A, B], [C])
    await b.wait_ringing()
    stage.says("211 picks up")
    await b.accept()
    await c.wait_ringing()
    stage.says("212 picks up")
    await c.accept()
    await stage.api.wait_status(call_id, 5)
    await stage.deletes(call_id)


async def fork_deleted_while_ringing(stage: Stage) -> None:
    """210 and 211 ring; the app deletes the call."""
    a, b = await stage.phone(A), await stage.phone(B)
    call_id = await stage.posts([A, B], [C])
    await a.wait_ringing()
    await b.wait_ringing()
    await stage.deletes(call_id)


async def fork_source_transfers(stage: Stage) -> None:
    """210, 211 ring, 210 picks up, 213 answers; 210 transfers to 212, which hangs up."""
    a, b, c = await stage.phone(A), await stage.phone(B), await stage.phone(C)
    d = await stage.phone(D)
    call_id = await stage.posts([A, B], [D])
    await a.wait_ringing()
    await b.wait_ringing()
    stage.says("210 picks up")
    await a.accept()
    await d.wait_ringing()
    stage.says("213 picks up")
    await d.accept()
    await stage.api.wait_status(call_id, 5)
    stage.says("210 transfers to 0003*212")
    await a.transfer(C)
    await c.wait_ringing()
    stage.says("212 picks up")
    await c.accept()
    await d.wait_established()
    await c.wait_established()
    await stage.api.wait_call(call_id, lambda x: statuses(x) == [5, 5])
    stage.says("212 hangs up")
    await c.hangup()


async def fork_source_transfers_to_other_source(stage: Stage) -> None:
    """210, 211 ring, 210 picks up, 213 answers; 210 transfers to 211, which rang before."""
    a, b, d = await stage.phone(A), await stage.phone(B), await stage.phone(D, "auto")
    call_id = await stage.posts([A, B], [D])
    await a.wait_ringing()
    rang = await b.wait_ringing()
    stage.says("210 picks up")
    await a.accept()
    await stage.api.wait_status(call_id, 5)
    await b.wait_closed(call=rang)
    stage.says("210 transfers to 0003*211")
    await a.transfer(B)
    await b.wait_ringing()
    stage.says("211 picks up")
    await b.accept()
    await d.wait_established()
    await stage.api.wait_call(call_id, lambda x: statuses(x) == [5, 5])
    stage.says("213 hangs up")
    await d.hangup()


async def several_destinations(stage: Stage) -> None:
    """210 picks up; 211 and 212 ring, 212 picks up; 212 hangs up."""
    a, b, c = await stage.phone(A, "auto"), await stage.phone(B), await stage.phone(C)
    call_id = await stage.posts([A], [B, C])
    await b.wait_ringing()
    await c.wait_ringing()
    stage.says("212 picks up")
    await c.accept()
    await a.wait_established()
    await stage.api.wait_status(call_id, 5)
    stage.says("212 hangs up")
    await c.hangup()


async def source_busy(stage: Stage) -> None:
    """210 is busy (486)."""
    await stage.scripted(A, refuses(486, "Busy Here"))
    await stage.api.wait_ended(await stage.posts([A], [B]))


async def source_rejects(stage: Stage) -> None:
    """210 rejects (603)."""
    await stage.scripted(A, refuses(603, "Decline"))
    await stage.api.wait_ended(await stage.posts([A], [B]))


async def source_does_not_answer(stage: Stage) -> None:
    """210 rings for waitForPickup, 1 s."""
    await stage.scripted(A, rings())
    await stage.api.wait_ended(await stage.posts([A], [B], waitForPickup="1"))


async def source_not_registered(stage: Stage) -> None:
    """210 is not registered: there is never a channel."""
    await stage.api.wait_ended(await stage.posts([A], [B]))


async def source_congested(stage: Stage) -> None:
    """210 answers 503."""
    await stage.scripted(A, refuses(503, "Service Unavailable"))
    await stage.api.wait_ended(await stage.posts([A], [B]))


async def destination_busy(stage: Stage) -> None:
    """210 picks up; the public number is busy (486)."""
    await _to(stage, BUSY)


async def destination_rejects(stage: Stage) -> None:
    """210 picks up; the public number rejects (603)."""
    await _to(stage, REJECTS)


async def destination_does_not_answer(stage: Stage) -> None:
    """210 picks up; the public number rings for destination_wait_s, 2 s here."""
    await _to(stage, RINGS)


async def destination_not_registered(stage: Stage) -> None:
    """210 picks up; 211 is not registered."""
    await _to(stage, B)


async def destination_does_not_exist(stage: Stage) -> None:
    """210 picks up; the public number does not exist (404)."""
    await _to(stage, UNKNOWN_NUMBER)


async def destination_congested(stage: Stage) -> None:
    """210 picks up; the trunk answers 503."""
    await _to(stage, CONGESTED)


async def deleted_at_once(stage: Stage) -> None:
    """The app deletes the call right after the answer to its creation."""
    await stage.phone(A)
    await stage.deletes(await stage.posts([A], [B]))


async def deleted_while_source_rings(stage: Stage) -> None:
    """210 rings; the app deletes the call."""
    a = await stage.phone(A)
    call_id = await stage.posts([A], [B])
    await a.wait_ringing()
    await stage.api.wait_status(call_id, 3)
    await stage.deletes(call_id)


async def deleted_while_destination_rings(stage: Stage) -> None:
    """210 picks up, 211 rings; the app deletes the call."""
    await stage.phone(A, "auto")
    b = await stage.phone(B)
    call_id = await stage.posts([A], [B])
    await b.wait_ringing()
    await stage.api.wait_status(call_id, 4)
    await stage.deletes(call_id)


async def source_hangs_up_while_destination_rings(stage: Stage) -> None:
    """210 picks up, 211 rings; 210 hangs up."""
    a, b = await stage.phone(A, "auto"), await stage.phone(B)
    call_id = await stage.posts([A], [B])
    await b.wait_ringing()
    await stage.api.wait_status(call_id, 4)
    stage.says("210 hangs up")
    await a.hangup()


async def _talk(stage: Stage, a: Softphone, b: Softphone, **query: str) -> str:
    """210 picks up, then 211; returns once they talk."""
    call_id = await stage.posts([A], [B], **query)
    for name, phone in (("210", a), ("211", b)):
        await phone.wait_ringing()
        stage.says(f"{name} picks up")
        await phone.accept()
    await stage.api.wait_status(call_id, 5)
    return call_id


async def _to(stage: Stage, number: str) -> None:
    await stage.phone(A, "auto")
    await stage.api.wait_ended(await stage.posts([A], [number]))
