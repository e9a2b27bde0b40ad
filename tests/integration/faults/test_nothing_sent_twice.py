"""What dials or hangs up is on the wire once, whatever happens to the link."""

from __future__ import annotations

import asyncio
import time

import pytest

from bridge.calls.pbx import HangUpResult, PbxOutcomeUnknown, PbxRefused, PbxUnavailable
from bridge.calls.state.pbx_events import OriginateEnded
from tests.scripted_ami.orders import CALL_ID, order
from tests.scripted_ami.recording_listener import RecordingListener
from tests.scripted_ami.server import (
    ScriptedAmi,
    after,
    channel,
    drop_connection,
    event,
    refuse,
    silence,
)

from .conftest import StartLink


async def test_link_dies_before_the_answer_to_originate(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    link = await start_link(action_timeout_s=5)
    ami.on["Originate"] = drop_connection
    began = time.monotonic()
    with pytest.raises(PbxOutcomeUnknown):
        await link.originate(order())
    assert time.monotonic() - began < 3, "the loss answers, not the time limit"

    await listener.until(lambda: len(listener.snapshots) == 2)
    await asyncio.sleep(0.5)  # ten times the delay after which panoramisk would send it again
    assert len(ami.actions("Originate")) == 1


async def test_link_dies_before_the_answer_to_hangup(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    link = await start_link()
    ami.on["Hangup"] = drop_connection
    with pytest.raises(PbxOutcomeUnknown):
        await link.hang_up(CALL_ID)
    await listener.until(lambda: len(listener.snapshots) == 2)
    await asyncio.sleep(0.3)  # in which it would have been sent again
    assert len(ami.actions("Hangup")) == 1


async def test_every_pending_action_fails_at_once(ami: ScriptedAmi, start_link: StartLink) -> None:
    link = await start_link(action_timeout_s=5, ping_interval_s=5)
    ami.on["Originate"] = ami.on["Hangup"] = ami.on["CoreShowChannels"] = silence
    waiting = [
        asyncio.create_task(link.originate(order())),
        asyncio.create_task(link.hang_up(CALL_ID)),
        asyncio.create_task(link.snapshot()),
    ]
    await ami.wait_for_action("Hangup")
    began = time.monotonic()
    ami.drop_all()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in outcomes] == [PbxOutcomeUnknown] * 3
    assert time.monotonic() - began < 3


async def test_no_answer_is_unknown_within_the_time_limit(
    ami: ScriptedAmi, start_link: StartLink
) -> None:
    link = await start_link(action_timeout_s=0.2)
    ami.on["Originate"] = silence
    began = time.monotonic()
    with pytest.raises(PbxOutcomeUnknown, match=r"within 0\.2 s"):
        await link.originate(order())
    assert 0.15 < time.monotonic() - began < 3
    assert link.link.up, "one lost answer is not a lost link"
    assert len(ami.actions("Originate")) == 1


async def test_an_answer_after_the_time_limit_harms_nobody(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    link = await start_link(action_timeout_s=0.1)
    ami.on["Originate"] = after(0.2, ami.on["Originate"])
    with pytest.raises(PbxOutcomeUnknown):
        await link.originate(order())
    await asyncio.sleep(0.2)  # in which the late answer comes
    assert await link.hang_up(CALL_ID) is HangUpResult.NO_SUCH_CHANNEL
    assert listener.events == []


async def test_a_refusal_is_told_with_its_reason(ami: ScriptedAmi, start_link: StartLink) -> None:
    link = await start_link()
    ami.on["Originate"] = refuse("Extension does not exist.")
    with pytest.raises(PbxRefused, match="Extension does not exist"):
        await link.originate(order())
    ami.on["Hangup"] = refuse("Permission denied")
    with pytest.raises(PbxRefused, match="Permission denied"):
        await link.hang_up(CALL_ID)


async def test_hang_up_finds_the_channel_or_not(ami: ScriptedAmi, start_link: StartLink) -> None:
    link = await start_link()
    assert await link.hang_up(CALL_ID) is HangUpResult.NO_SUCH_CHANNEL
    ami.channels.append(channel("PJSIP/0003*210-00000001", CALL_ID))
    assert await link.hang_up(CALL_ID) is HangUpResult.HUNG_UP


async def test_while_the_link_is_down_nothing_is_sent(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    link = await start_link()
    await ami.stop()
    await listener.until(lambda: bool(listener.downs))
    for call in (lambda: link.originate(order()), lambda: link.hang_up(CALL_ID), link.snapshot):
        with pytest.raises(PbxUnavailable):
            await call()
    await ami.start()
    await listener.until(lambda: len(listener.snapshots) == 2)
    assert ami.actions("Originate") == []
    assert ami.actions("Hangup") == []


async def test_a_cancelled_caller_leaves_no_trace(ami: ScriptedAmi, start_link: StartLink) -> None:
    link = await start_link()
    ami.on["Originate"] = after(0.1, ami.on["Originate"])
    call = asyncio.create_task(link.originate(order()))
    await ami.wait_for_action("Originate")
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.sleep(0.15)  # in which the answer to the cancelled one comes
    await link.originate(order(call_id="f" * 20))
    assert len(ami.actions("Originate")) == 2


async def test_the_result_of_originate_reaches_the_listener(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    """Even one with the ActionID of the Originate that comes before the answer."""

    async def result_first(session, action) -> None:  # type: ignore[no-untyped-def]
        await session.send(
            event(
                "OriginateResponse",
                ActionID=action.value("ActionID"),
                Response="Failure",
                Reason=0,
                Uniqueid="<unknown>",
            )
        )
        await session.answer(action, "Success", ("Message", "Originate successfully queued"))

    link = await start_link()
    ami.on["Originate"] = result_first
    await link.originate(order())
    await listener.until(lambda: bool(listener.events))
    [ended] = listener.events
    assert isinstance(ended, OriginateEnded)
    assert (ended.call_id, ended.succeeded, ended.reason) == (CALL_ID, False, 0)
