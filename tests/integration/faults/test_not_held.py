"""What an instance may not begin on a PBX that another one may hold by now: nothing is sent."""

from __future__ import annotations

import pytest

from bridge.calls.pbx import PbxNotHeld
from bridge.pbx.ami.idle_closing_session import IdleClosingSession
from bridge.pbx.ami.link import AmiLink
from bridge.pbx.ami.mixmonitor import MixMonitorActions
from bridge.pbx.ari.client import AriClient
from bridge.pbx.ari.errors import AriNotHeld
from bridge.pbx.pbx_settings import AriSettings
from bridge.testing.eventually import eventually
from tests.scripted_ami.orders import CALL_ID, order, quick_settings
from tests.scripted_ami.recording_listener import RecordingListener
from tests.scripted_ami.server import ScriptedAmi, success


async def test_given_no_time_left_then_no_call_is_placed_and_a_hang_up_goes_out(
    ami: ScriptedAmi,
) -> None:
    may_act = [False]
    link = AmiLink(quick_settings(ami), may_act=lambda: may_act[0])
    link.listen(RecordingListener())
    await link.start()
    await eventually(lambda: link.link.up, 10)
    with pytest.raises(PbxNotHeld):
        await link.originate(order())
    await link.hang_up(CALL_ID)
    assert [ami.actions("Originate"), len(ami.actions("Hangup"))] == [[], 1]
    may_act[0] = True
    await link.originate(order())
    assert len(ami.actions("Originate")) == 1
    await link.stop()


async def test_given_no_time_left_when_the_session_is_open_then_no_recording_begins(
    ami: ScriptedAmi,
) -> None:
    """The session may take seconds to open: what was allowed before it is not enough."""
    may_act = [True]
    ami.on |= {"MixMonitor": success, "StopMixMonitor": success}
    session = IdleClosingSession(
        quick_settings(ami), idle_s=0.2, at_up=lambda: may_act.__setitem__(0, False)
    )
    recording = MixMonitorActions(session, "../recording", lambda: may_act[0])
    with pytest.raises(PbxNotHeld):
        await recording.start_recording(CALL_ID, "a-file", stereo=False)
    assert await recording.stop_recording(CALL_ID, "")
    assert [ami.actions("MixMonitor"), len(ami.actions("StopMixMonitor"))] == [[], 1]
    await session.stop()


async def test_given_no_time_left_then_neither_phones_nor_dialplan_are_changed() -> None:
    ari = AriClient(AriSettings("http://127.0.0.1:1/ari", "user", "secret"), lambda: False)
    with pytest.raises(AriNotHeld):
        await ari.put_dynamic_object("auth", "0003*210", {})
    with pytest.raises(AriNotHeld):
        await ari.delete_dynamic_object("auth", "0003*210")
    with pytest.raises(AriNotHeld):
        await ari.set_global_variable("BRIDGE_VOICEMAIL", "x")
