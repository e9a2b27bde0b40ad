"""Two and three baresip phones on a real Asterisk."""

from __future__ import annotations

import asyncio
import subprocess
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bridge.testing.softphones import baresip_process
from bridge.testing.softphones.phone_observer import PhoneError
from bridge.testing.softphones.ports import free_port
from bridge.testing.softphones.softphone import Softphone
from tests.pbx.softphones.phones_lab import RING_ALL, Lab


async def started(stack: AsyncExitStack, *phones: Softphone) -> None:
    for phone in phones:
        stack.push_async_callback(phone.stop)
    await asyncio.gather(*(phone.start() for phone in phones))


async def test_each_hears_the_tone_of_the_other(lab: Lab) -> None:
    async with AsyncExitStack() as stack:
        alice = lab.softphone("0003*210", tone_hz=440)
        bob = lab.softphone("0003*211", tone_hz=1000)
        await started(stack, alice, bob)
        await alice.dial("0003*211")
        call = await bob.wait_ringing()
        assert (call.caller_name, call.caller_number) == ("Ján Žižka", "0003*210")
        assert not call.offered_video
        await bob.accept()
        await asyncio.gather(alice.wait_established(), bob.wait_established())
        assert await alice.wait_tone(1000) > -12
        assert await bob.wait_tone(440) > -12
        assert alice.tone_heard(440) < -40
        assert alice.tone_heard(1200) < -40
        await bob.hangup()
        assert (await alice.wait_closed()).close_reason == "BYE received"
        assert (await bob.wait_closed()).close_reason == "BYE sent"
        assert bob.incoming_invites == 1
        names = [event.name for event in bob.events]
        assert names == ["registered", "incoming", "ringing", "established", "closed"]
        assert abs(bob.events[-1].wall_ms - time.time() * 1000) < 5000


async def test_the_tone_can_change_and_hold_is_signalled(lab: Lab) -> None:
    async with AsyncExitStack() as stack:
        alice = lab.softphone("0003*210", tone_hz=440)
        bob = lab.softphone("0003*211", answer="auto")
        await started(stack, alice, bob)
        await alice.dial("0003*211")
        await bob.wait_established()
        await bob.wait_tone(440)
        await alice.set_tone(700)
        await bob.wait_tone(700)
        await alice.hold()
        assert alice.current is not None
        reinvites = alice.current.took("INVITE", sent=True)
        assert reinvites[-1].media_direction == "sendonly"
        await alice.resume()
        await bob.wait_tone(700)


async def test_busy_phone_refuses(lab: Lab) -> None:
    async with AsyncExitStack() as stack:
        alice = lab.softphone("0003*210")
        bob = lab.softphone("0003*211", answer="reject_busy")
        await started(stack, alice, bob)
        await alice.dial("0003*211")
        assert (await alice.wait_closed()).close_reason.startswith("486")
        assert (await bob.wait_closed()).close_reason.startswith("486")
        assert bob.missed_calls == []


async def test_caller_who_gives_up_leaves_a_missed_call(lab: Lab) -> None:
    async with AsyncExitStack() as stack:
        alice, bob = lab.softphone("0003*210"), lab.softphone("0003*211")
        await started(stack, alice, bob)
        await alice.dial("0003*211")
        ringing = await bob.wait_ringing()
        await alice.hangup()
        assert (await bob.wait_closed(call=ringing)).close_reason == "CANCEL received"
        assert (await alice.wait_closed()).close_reason == "CANCEL sent"
        assert bob.missed_calls == [ringing]


async def test_loser_of_a_fork_has_no_missed_call(lab: Lab) -> None:
    """The queue rings all registered phones."""
    async with AsyncExitStack() as stack:
        caller = lab.softphone("0003*220")
        winner, loser = lab.softphone("0003*210"), lab.softphone("0003*211")
        await started(stack, caller, winner, loser)
        await caller.dial(RING_ALL)
        await asyncio.gather(winner.wait_ringing(), loser.wait_ringing())
        await winner.accept()
        await winner.wait_established()
        lost = await loser.wait_closed()
        assert (lost.close_reason, lost.close_cause) == ("CANCEL received", 26)
        assert loser.missed_calls == []


async def test_blind_transfer(lab: Lab) -> None:
    async with AsyncExitStack() as stack:
        alice = lab.softphone("0003*210")
        bob = lab.softphone("0003*211", answer="auto", tone_hz=1000)
        carol = lab.softphone("0003*212", answer="auto", tone_hz=1500)
        await started(stack, alice, bob, carol)
        await alice.dial("0003*211")
        await alice.wait_established()
        result = await alice.transfer("0003*212")
        assert result.carried_out
        assert (await alice.wait_closed()).closed
        await asyncio.gather(bob.wait_tone(1500), carol.wait_tone(1000))


async def test_attended_transfer(lab: Lab) -> None:
    async with AsyncExitStack() as stack:
        alice = lab.softphone("0003*210", tone_hz=440)
        bob = lab.softphone("0003*211", answer="auto", tone_hz=1000)
        carol = lab.softphone("0003*212", answer="auto", tone_hz=1500)
        await started(stack, alice, bob, carol)
        first = await alice.dial("0003*211")
        await alice.wait_established(call=first)
        await alice.hold()
        second = await alice.dial("0003*212")
        await alice.wait_established(call=second)
        assert (await alice.attended_transfer(first, second)).carried_out
        await asyncio.gather(bob.wait_tone(1500), carol.wait_tone(1000))
        await asyncio.gather(alice.wait_closed(call=first), alice.wait_closed(call=second))


async def test_transfer_to_an_unknown_number_fails(lab: Lab) -> None:
    async with AsyncExitStack() as stack:
        alice = lab.softphone("0003*210")
        bob = lab.softphone("0003*211", answer="auto")
        await started(stack, alice, bob)
        await alice.dial("0003*211")
        await alice.wait_established()
        result = await alice.transfer("nobody")
        assert not result.carried_out
        assert max(result.refer_status, result.final_status) >= 400


async def test_tcp(lab: Lab) -> None:
    async with AsyncExitStack() as stack:
        alice = lab.softphone("0003*210", transport="tcp")
        bob = lab.softphone("0003*211", transport="tcp", answer="auto")
        await started(stack, alice, bob)
        await alice.dial("0003*211")
        await bob.wait_established()
        assert bob.incoming_invites == 1
        await bob.hangup()
        await alice.wait_closed()


async def test_a_control_port_that_another_phone_has_is_not_used(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, *others = (free_port() for _ in range(5))
    async with AsyncExitStack() as stack:
        for first in (taken, taken):
            ports = iter((first, *others))
            monkeypatch.setattr(baresip_process, "free_port", ports.__next__)
            await started(stack, phone := lab.softphone("0003*210"))
            others = list(ports)
        await phone.dial("0003*211")  # by the second phone: only it has been told
        assert phone.current is not None


async def test_wrong_password_says_so(lab: Lab) -> None:
    phone = Softphone("0003*210", "wrong", port=lab.port)
    with pytest.raises(PhoneError, match="401 Unauthorized"):
        await phone.start(timeout_s=5.0)
    assert leftovers(phone) == []


async def test_unregister_and_stop_leave_nothing(lab: Lab) -> None:
    alice, bob = lab.softphone("0003*210"), lab.softphone("0003*211")
    await asyncio.gather(alice.start(), bob.start())
    folders = [phone.folder for phone in (alice, bob)]
    try:
        await bob.unregister()
        assert not bob.registered
        await alice.dial("0003*211")
        await alice.wait_closed()
        assert bob.incoming_invites == 0
    finally:
        await asyncio.gather(alice.stop(), bob.kill())
    assert not any(folder.exists() for folder in folders if folder)
    assert leftovers(alice) == leftovers(bob) == []


def leftovers(phone: Softphone) -> list[str]:
    """Processes that still run with the phone's folder."""
    shown = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    folder = phone.folder
    assert folder is None or not Path(folder).exists()
    return [line for line in shown.stdout.splitlines() if folder and str(folder) in line]
