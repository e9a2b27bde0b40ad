"""Stories of calls that phones dial, that come in from the trunk, and that phones transfer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from bridge.testing.eventually import eventually
from bridge.testing.softphones.softphone import Softphone

from .stage import Stage
from .stories_api import ANSWERS, A, B, C

INTO_A = "5550003210"


async def dialled_local(stage: Stage) -> None:
    """210 dials 211, which picks up; 210 hangs up."""
    a, _ = await stage.phone(A), await stage.phone(B, "auto")
    await _dials(stage, a, B)
    stage.says("210 hangs up")
    await a.hangup()


async def dialled_local_short_cancelled(stage: Stage) -> None:
    """210 dials the short number 211, which rings; 210 gives up."""
    a, b = await stage.phone(A), await stage.phone(B)
    stage.says("210 dials 211")
    await a.dial("211")
    await b.wait_ringing()
    stage.says("210 gives up")
    await a.hangup()


async def dialled_local_busy(stage: Stage) -> None:
    """210 dials 211, which is busy."""
    a, _ = await stage.phone(A), await stage.phone(B, "reject_busy")
    stage.says("210 dials 211")
    await a.dial(B)
    await a.wait_closed()


async def dialled_public(stage: Stage) -> None:
    """210 dials a public number, which answers; 210 hangs up."""
    a = await stage.phone(A)
    await _dials(stage, a, ANSWERS)
    stage.says("210 hangs up")
    await a.hangup()


async def dialled_sandbox(stage: Stage) -> None:
    """210 dials the sandbox number, which the PBX itself answers; 210 hangs up."""
    a = await stage.phone(A)
    await _dials(stage, a, "0003*00")
    stage.says("210 hangs up")
    await a.hangup()


async def dialled_queue(stage: Stage) -> None:
    """220 dials the queue; its agent 210 rings and answers; 220 hangs up."""
    a, caller = await stage.phone(A), await stage.phone("0003*220")
    stage.says("220 dials the queue")
    await caller.dial("0003*300")
    await a.wait_ringing()
    stage.says("210 picks up")
    await a.accept()
    await a.wait_established()
    await _until_status(stage, A, 5)
    stage.says("220 hangs up")
    await caller.hangup()


async def dialled_conference(stage: Stage) -> None:
    """210 and 211 dial the conference; 210 leaves, then 211."""
    a, b = await stage.phone(A), await stage.phone(B)
    await _dials(stage, a, "0003*500")
    await _dials(stage, b, "0003*500")
    await asyncio.sleep(1.5)  # the second is let in after a while
    stage.says("210 hangs up")
    await a.hangup()
    await a.wait_closed()
    await asyncio.sleep(0.5)  # the conference goes on for a moment
    stage.says("211 hangs up")
    await b.hangup()


async def conference_by_app(stage: Stage) -> None:
    """210 is in the conference; the app connects 211 with it; 211 hangs up, then 210."""
    a, b = await stage.phone(A), await stage.phone(B, "auto")
    await _dials(stage, a, "0003*500")
    await stage.posts([B], ["0003*500"])
    await b.wait_established()
    await asyncio.sleep(1.5)  # the second is let in after a while
    stage.says("211 hangs up")
    await b.hangup()
    await b.wait_closed()
    await asyncio.sleep(0.5)  # the conference goes on for a moment
    stage.says("210 hangs up")
    await a.hangup()


async def incoming_answered(stage: Stage) -> None:
    """A public number calls 210, which picks up and hangs up."""
    a = await stage.phone(A)
    await _calls_in(stage, a)
    stage.says("210 picks up")
    await a.accept()
    await a.wait_established()
    await _until_status(stage, A, 5)
    stage.says("210 hangs up")
    await a.hangup()


async def incoming_caller_hangs_up(stage: Stage) -> None:
    """A public number calls 210, which picks up; the caller hangs up."""
    a = await stage.phone(A)
    await _calls_in(stage, a)
    stage.says("210 picks up")
    await a.accept()
    await a.wait_established()
    stage.says("the caller hangs up")
    await stage.lab.asterisk.hang_up_public_network()
    await a.wait_closed()


async def incoming_refused(stage: Stage) -> None:
    """A public number calls 210, which is busy."""
    a = await stage.phone(A, "reject_busy")
    await _calls_in(stage, a)
    await a.wait_closed()


async def incoming_caller_gives_up(stage: Stage) -> None:
    """A public number calls 210, which rings; the caller gives up."""
    a = await stage.phone(A)
    await _calls_in(stage, a)
    stage.says("the caller gives up")
    await stage.lab.asterisk.hang_up_public_network()
    await a.wait_closed()


async def blind_transfer_by_source(stage: Stage) -> None:
    """210 and 211 talk; 210 transfers 211 to 212, which picks up; 212 hangs up."""
    a, b, c = await _three(stage)
    await _talking(stage, a, b)
    await _transfers(stage, a, C, c)
    await _ends(stage, c)


async def blind_transfer_by_destination(stage: Stage) -> None:
    """210 and 211 talk; 211 transfers 210 to 212, which picks up; 212 hangs up."""
    a, b, c = await _three(stage)
    await _talking(stage, a, b)
    await _transfers(stage, b, C, c)
    await _ends(stage, c)


async def blind_transfer_by_source_deleted(stage: Stage) -> None:
    """210 and 211 talk; 210 transfers 211 to 212, which picks up; the app deletes the call."""
    a, b, c = await _three(stage)
    call_id = await _talking(stage, a, b)
    await _transfers(stage, a, C, c)
    await stage.deletes(call_id)
    await c.wait_closed()


async def blind_transfer_by_destination_deleted(stage: Stage) -> None:
    """210 and 211 talk; 211 transfers 210 to 212, which picks up; the app deletes the call."""
    a, b, c = await _three(stage)
    call_id = await _talking(stage, a, b)
    await _transfers(stage, b, C, c)
    await stage.deletes(call_id)
    await c.wait_closed()


async def blind_transfer_by_source_to_public(stage: Stage) -> None:
    """210 and 211 talk; 210 transfers 211 to a public number; 211 hangs up."""
    a, b = await stage.phone(A), await stage.phone(B)
    await _talking(stage, a, b)
    await _transfers(stage, a, ANSWERS)
    await _ends(stage, b)


async def blind_transfer_by_destination_to_public(stage: Stage) -> None:
    """210 and 211 talk; 211 transfers 210 to a public number; 210 hangs up."""
    a, b = await stage.phone(A), await stage.phone(B)
    await _talking(stage, a, b)
    await _transfers(stage, b, ANSWERS)
    await _ends(stage, a)


async def blind_transfer_nobody_answers(stage: Stage) -> None:
    """210 and 211 talk; 210 transfers 211 to 212, which rings; 211 hangs up."""
    a, b, c = await _three(stage)
    await _talking(stage, a, b)
    stage.says("210 transfers to 212")
    async with asyncio.TaskGroup() as group:
        transfer = group.create_task(a.transfer(C))
        await c.wait_ringing()
        await asyncio.sleep(0.3)  # as people do: Asterisk has told all of it
        stage.says("211 hangs up")
        await b.hangup()
        await c.wait_closed()
        transfer.cancel()


async def blind_transfer_of_dialled_call(stage: Stage) -> None:
    """210 dials 211; 211 transfers 210 to 212, which picks up; 210 hangs up."""
    a, b, c = await _three(stage)
    b.answer = "auto"
    await _dials(stage, a, B)
    await _transfers(stage, b, C, c)
    await _ends(stage, a)


async def attended_transfer_by_destination(stage: Stage) -> None:
    """210 and 211 talk by API; 211 asks 212, connects 210 with 212, is gone; 212 hangs up."""
    a, b, c = await _three(stage)
    await _talking(stage, a, b)
    await _attended(stage, b, c)
    await _ends(stage, c)


async def attended_transfer_by_source(stage: Stage) -> None:
    """210 and 211 talk by API; 210 asks 212, connects 211 with 212, is gone; 212 hangs up."""
    a, b, c = await _three(stage)
    await _talking(stage, a, b)
    await _attended(stage, a, c)
    await _ends(stage, c)


async def attended_transfer_by_source_deleted(stage: Stage) -> None:
    """210 and 211 talk by API; 210 asks 212, connects 211 with 212; the app deletes the call."""
    a, b, c = await _three(stage)
    call_id = await _talking(stage, a, b)
    await _attended(stage, a, c)
    await stage.deletes(call_id)
    await c.wait_closed()


async def attended_transfer_of_dialled_call(stage: Stage) -> None:
    """210 dials 211; 211 asks 212, connects 210 with 212, is gone; 210 hangs up."""
    a, b, c = await _three(stage)
    b.answer = "auto"
    await _dials(stage, a, B)
    await _attended(stage, b, c)
    await _ends(stage, a)


async def attended_transfer_by_destination_deleted(stage: Stage) -> None:
    """210 and 211 talk by API; 211 asks 212, connects 210 with 212; the app deletes the call."""
    a, b, c = await _three(stage)
    call_id = await _talking(stage, a, b)
    await _attended(stage, b, c)
    await stage.deletes(call_id)
    await c.wait_closed()


async def attended_transfer_while_target_rings(stage: Stage) -> None:
    """210 and 211 talk by API; 211 dials 212 and connects 210 while 212 rings; 212 picks up."""
    a, b, c = await _three(stage)
    await _talking(stage, a, b)
    first = b.current
    assert first is not None
    stage.says("211 holds and dials 212")
    await b.hold()
    second = await b.dial(C)
    await c.wait_ringing()
    await asyncio.sleep(0.3)  # as people do: Asterisk has told all of it
    stage.says("211 connects the two")
    await b.attended_transfer(first, second)
    await b.wait_closed(call=first)
    stage.says("212 picks up")
    await c.accept()
    await c.wait_established()
    await asyncio.sleep(0.5)  # they talk
    await _ends(stage, c)


async def attended_transfer_to_sandbox(stage: Stage) -> None:
    """210 and 211 talk by API; 211 dials the sandbox, connects 210 with it; 210 hangs up."""
    a, b = await stage.phone(A), await stage.phone(B)
    await _talking(stage, a, b)
    first = b.current
    assert first is not None
    stage.says("211 holds and dials the sandbox")
    await b.hold()
    second = await b.dial("0003*00")
    await b.wait_established(call=second)
    await asyncio.sleep(0.3)  # as people do: Asterisk has told all of it
    stage.says("211 connects the two")
    await b.attended_transfer(first, second)
    await b.wait_closed(call=first)
    await b.wait_closed(call=second)
    await asyncio.sleep(0.5)  # 210 hears the echo
    await _ends(stage, a)


async def attended_transfer_of_two_incoming(stage: Stage) -> None:
    """Two public numbers call 210, which holds the first, then connects them; one hangs up."""
    a = await stage.phone(A)
    await _calls_in(stage, a)
    stage.says("210 picks up")
    await a.accept()
    first = await a.wait_established()
    stage.says("210 holds")
    await a.hold()
    await _calls_in(stage, a, caller="3235550101")
    stage.says("210 picks up")
    await a.accept()
    second = await a.wait_established()
    await asyncio.sleep(0.3)  # as people do: Asterisk has told all of it
    stage.says("210 connects the two")
    await a.attended_transfer(first, second)
    await a.wait_closed(call=first)
    await a.wait_closed(call=second)
    await asyncio.sleep(0.5)  # they talk
    stage.says("the callers hang up")
    await stage.lab.asterisk.hang_up_public_network()


async def _three(stage: Stage) -> tuple[Softphone, Softphone, Softphone]:
    return await stage.phone(A), await stage.phone(B), await stage.phone(C)


async def _dials(stage: Stage, phone: Softphone, number: str) -> None:
    stage.says(f"{phone.user[5:]} dials {number}")
    await phone.dial(number)
    await phone.wait_established()
    await _until_status(stage, phone.user, 5)


async def _calls_in(stage: Stage, phone: Softphone, caller: str = "3235550100") -> None:
    stage.says("a public number calls 210")
    await stage.lab.asterisk.call_in(INTO_A, caller_number=caller, caller_name="Ján")
    await phone.wait_ringing()


async def _talking(stage: Stage, a: Softphone, b: Softphone) -> str:
    call_id = await stage.posts([A], [B], allowPublicTransfer="true")
    for name, phone in (("210", a), ("211", b)):
        await phone.wait_ringing()
        stage.says(f"{name} picks up")
        await phone.accept()
    await stage.api.wait_status(call_id, 5)
    return call_id


async def _transfers(
    stage: Stage, by: Softphone, number: str, target: Softphone | None = None
) -> None:
    """A blind transfer; returns once the new two talk."""
    stage.says(f"{by.user[5:]} transfers to {number}")
    async with asyncio.TaskGroup() as group:
        group.create_task(by.transfer(number))
        if target is not None:
            await target.wait_ringing()
            stage.says(f"{target.user[5:]} picks up")
            await target.accept()
            await target.wait_established()
    await by.wait_closed()
    await asyncio.sleep(0.5)  # they talk


async def _attended(stage: Stage, by: Softphone, target: Softphone) -> None:
    first = by.current
    assert first is not None
    stage.says(f"{by.user[5:]} holds and dials {target.user[5:]}")
    await by.hold()
    second = await by.dial(target.user)
    await target.wait_ringing()
    stage.says(f"{target.user[5:]} picks up")
    await target.accept()
    await by.wait_established(call=second)
    await asyncio.sleep(0.3)  # as people do: Asterisk has told all of it
    stage.says(f"{by.user[5:]} connects the two")
    await by.attended_transfer(first, second)
    await by.wait_closed(call=first)
    await by.wait_closed(call=second)
    await asyncio.sleep(0.5)  # they talk


async def _ends(stage: Stage, phone: Softphone) -> None:
    stage.says(f"{phone.user[5:]} hangs up")
    await phone.hangup()


async def _until_status(stage: Stage, extension: str, status: int) -> None:
    def there(entry: list[Any]) -> bool:
        return any(
            view.get("extension") == extension and view["status"] == status
            for call in entry
            for view in call["phoneCallView"]
        )

    await _polled(stage, extension, there)


async def _polled(stage: Stage, extension: str, wanted: Callable[[list[Any]], bool]) -> None:
    async def there() -> bool:
        return wanted(await stage.api.calls(extension))

    await eventually(there, timeout=10)
