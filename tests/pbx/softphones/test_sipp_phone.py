"""SIPp phones and a baresip phone on a real Asterisk."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from bridge.testing.softphones.sipp_behaviour import (
    SippBehaviour,
    answers,
    early_media,
    refers,
    refuses,
    rings,
)
from tests.pbx.softphones.phones_lab import RING_ALL, Lab


async def test_answers_echoes_and_hangs_up(lab: Lab) -> None:
    async with (
        lab.softphone("0003*210", tone_hz=440) as alice,
        lab.scripted("0003*211", answers(ring_ms=100, talk_ms=800)) as bob,
    ):
        await alice.dial("0003*211")
        call = await bob.wait_ringing()
        assert (call.caller_name, call.caller_number) == ("Ján Žižka", "0003*210")
        assert call.invite.media_port("audio") > 0
        assert not call.offered_video
        await alice.wait_established()
        assert await alice.wait_tone(440) > -12
        assert (await alice.wait_closed()).close_reason == "BYE received"
        assert (await bob.wait_closed()).close_reason == "BYE sent"


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [
        (refuses(486, "Busy Here", ring_ms=100), 486),
        (refuses(480, "Temporarily Unavailable"), 480),
        (refuses(503, "Service Unavailable"), 503),
        (refuses(404, "Not Found"), 404),
        (refuses(603, "Decline"), 603),
    ],
)
async def test_refuses(lab: Lab, behaviour: SippBehaviour, status: int) -> None:
    async with lab.softphone("0003*210") as alice, lab.scripted("0003*211", behaviour) as bob:
        await alice.dial("0003*211")
        assert (await alice.wait_closed()).close_reason[:1] in "456"
        assert (await bob.wait_closed()).close_reason.startswith(str(status))


async def test_early_media(lab: Lab) -> None:
    async with (
        lab.softphone("0003*210") as alice,
        lab.scripted("0003*211", early_media(ring_ms=300)) as bob,
    ):
        call = await alice.dial("0003*211")
        await alice.wait_established()
        assert call.early_media
        await alice.hangup()
        assert (await bob.wait_closed()).close_reason == "BYE received"


async def test_loser_of_a_fork_reads_cause_26(lab: Lab) -> None:
    async with AsyncExitStack() as stack:
        caller = await stack.enter_async_context(lab.softphone("0003*220"))
        loser = await stack.enter_async_context(lab.scripted("0003*210", rings()))
        winner = await stack.enter_async_context(lab.scripted("0003*211", answers(ring_ms=200)))
        await caller.dial(RING_ALL)
        await winner.wait_established()
        lost = await loser.wait_closed()
        assert (lost.close_reason, lost.close_cause) == ("CANCEL received", 26)
        assert not lost.missed
        cancel = lost.took("CANCEL", sent=False)[0]
        assert 'SIP;cause=200;text="Call completed elsewhere"' in cancel.header_values("reason")


async def test_refer_is_carried_out_or_fails(lab: Lab) -> None:
    async with AsyncExitStack() as stack:
        alice = await stack.enter_async_context(lab.softphone("0003*210", tone_hz=440))
        carol = await stack.enter_async_context(
            lab.softphone("0003*212", answer="auto", tone_hz=1500)
        )
        bob = await stack.enter_async_context(
            lab.scripted("0003*211", refers("0003*212", refer_after_ms=200))
        )
        await alice.dial("0003*211")
        assert (await bob.wait_transfer()).carried_out
        await asyncio.gather(alice.wait_tone(1500), carol.wait_tone(440))
        await alice.hangup()
        await bob.behave(refers("nobody", refer_after_ms=200))
        await alice.dial("0003*211")
        second = await bob.wait_ringing()
        second = await bob.wait_ringing()
        result = await bob.wait_transfer(call=second)
        assert not result.carried_out
        assert max(result.refer_status, result.final_status) >= 400


async def test_calls_out(lab: Lab) -> None:
    async with lab.softphone("0003*210", answer="auto") as alice, lab.scripted("0003*211") as bob:
        calls = await bob.call("0003*210", talk_ms=300)
        await alice.wait_established()
        assert await calls.wait_finished(5)
        assert (await alice.wait_closed()).close_reason == "BYE received"
        alice.answer = "reject_busy"
        calls = await bob.call("0003*210")
        assert await calls.wait_finished(5)
        assert (await bob.wait_closed()).close_reason.startswith("486")


async def test_many_calls_at_once(lab: Lab) -> None:
    async with (
        lab.scripted("0003*212", answers(ring_ms=50)) as called,
        lab.scripted("0003*213") as calling,
    ):
        calls = await calling.call("0003*212", count=40, rate_per_s=40, talk_ms=500)
        assert await calls.wait_finished(20)
        assert called.incoming_invites == 40
        await asyncio.gather(*(called.wait_closed(call=call) for call in called.log.incoming))
        assert all(call.established for call in called.log.incoming)
