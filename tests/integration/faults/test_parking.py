"""AMI Park and ParkedCalls where the link or the PBX does not do as it should."""

from __future__ import annotations

import asyncio

import pytest

from bridge.calls.pbx import InvalidPbxValue, PbxOutcomeUnknown, PbxRefused
from bridge.calls.state.pbx_events import ChannelParked
from bridge.calls.steering.errors import ActionUnavailable
from bridge.pbx.ami.steering import AmiSteering
from tests.scripted_ami.recording_listener import RecordingListener
from tests.scripted_ami.server import ScriptedAmi, drop_connection, refuse

from .conftest import StartLink


async def no_modules() -> set[str]:
    return set()


async def test_given_a_link_that_dies_when_parked_then_it_is_not_asked_again(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    link = await start_link(action_timeout_s=5)
    ami.on["Park"] = drop_connection
    with pytest.raises(PbxOutcomeUnknown):
        await AmiSteering(link.send, no_modules).park("1.1", "PJSIP/0003*211", 30)
    await listener.until(lambda: len(listener.snapshots) == 2)
    await asyncio.sleep(0.3)  # in which it would have been sent again
    [park] = ami.actions("Park")
    assert park.value("TimeoutChannel") == "PJSIP/0003*211-ffffffff"
    assert park.value("Timeout") == "30000"


@pytest.mark.parametrize(
    ("message", "fault", "why"),
    [
        ("Permission denied", ActionUnavailable, "write = call"),
        ("Park action failed", PbxRefused, "Park action failed"),
    ],
)
async def test_given_a_pbx_that_refuses_when_parked_then_the_fault_says_why(
    ami: ScriptedAmi, start_link: StartLink, message: str, fault: type[Exception], why: str
) -> None:
    link = await start_link()
    ami.on["Park"] = ami.on["ParkedCalls"] = refuse(message)
    steering = AmiSteering(link.send, no_modules)
    with pytest.raises(fault, match=why):
        await steering.park("1.1", "PJSIP/0003*211", 30)
    found: list[ChannelParked] = []
    with pytest.raises(fault):
        await steering.each_parked(found.append)
    assert found == []


@pytest.mark.parametrize(
    ("channel", "phone", "at_most_s"),
    [
        ("/.*/", "PJSIP/0003*211", 30),
        ("1.1\r\nAction: Logoff", "PJSIP/0003*211", 30),
        ("1.1", "PJSIP/0003*211,,g", 30),
        ("1.1", "PJSIP/0003*211\r\n", 30),
        ("1.1", "PJSIP/0003*211", 0),
        ("1.1", "PJSIP/0003*211", True),
    ],
)
async def test_given_a_hostile_value_when_parked_then_nothing_is_sent(
    ami: ScriptedAmi, start_link: StartLink, channel: str, phone: str, at_most_s: int
) -> None:
    link = await start_link()
    with pytest.raises(InvalidPbxValue):
        await AmiSteering(link.send, no_modules).park(channel, phone, at_most_s)
    assert ami.actions("Park") == []
