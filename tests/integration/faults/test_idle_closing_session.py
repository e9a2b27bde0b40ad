"""The session for recording: open while it is used, found to work at the start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from bridge.calls.pbx import PbxUnavailable
from bridge.pbx.ami.idle_closing_session import IdleClosingSession
from bridge.pbx.ami.values import AmiAction
from bridge.testing.eventually import eventually
from tests.scripted_ami.orders import quick_settings
from tests.scripted_ami.server import ScriptedAmi, after, log_in, success

Open = Callable[..., Awaitable[IdleClosingSession]]
MUTE = AmiAction("MixMonitorMute")


@pytest.fixture
async def opened(ami: ScriptedAmi) -> AsyncIterator[Open]:
    sessions: list[IdleClosingSession] = []
    ami.on["MixMonitorMute"] = success

    async def start(idle_s: float = 0.2, **more: object) -> IdleClosingSession:
        at_up = more.pop("at_up", lambda: None)
        assert callable(at_up)
        session = IdleClosingSession(quick_settings(ami, **more), idle_s=idle_s, at_up=at_up)
        sessions.append(session)
        await session.start()
        return session

    yield start
    for session in sessions:
        await session.stop()


async def test_given_nothing_to_do_when_started_then_it_logs_in_once_and_leaves(
    ami: ScriptedAmi, opened: Open
) -> None:
    ups: list[bool] = []
    session = await opened(at_up=lambda: ups.append(True))
    await ami.wait_for_action("Logoff")
    await eventually(lambda: not session.open)
    await asyncio.sleep(0.5)  # longer than the delay before a reconnect
    assert len(ami.connected_at) == 1
    assert ups == [True]


async def test_given_it_is_closed_when_used_then_it_opens_stays_and_closes_again(
    ami: ScriptedAmi, opened: Open
) -> None:
    session = await opened(idle_s=0.3)
    await ami.wait_for_action("Logoff")
    await eventually(lambda: not session.open)
    for _ in range(5):
        answer = await session.send(MUTE)
        assert answer["Response"] == "Success"
        await asyncio.sleep(0.1)  # less than its idle time; all five together are more
    assert session.open
    assert len(ami.connected_at) == 2
    await ami.wait_for_action("Logoff", 2)
    await eventually(lambda: not session.open)


async def test_given_a_long_action_when_the_idle_time_passes_then_it_is_not_cut_off(
    ami: ScriptedAmi, opened: Open
) -> None:
    # without pings: the server takes one action after the other
    session = await opened(idle_s=0.01, action_timeout_s=5, ping_interval_s=60)
    ami.on["MixMonitorMute"] = after(0.5, success)
    assert (await session.send(MUTE))["Response"] == "Success"


async def test_given_it_is_closed_when_many_use_it_at_once_then_one_login_serves_all(
    ami: ScriptedAmi, opened: Open
) -> None:
    session = await opened()
    await ami.wait_for_action("Logoff")
    await asyncio.gather(*(session.send(MUTE) for _ in range(20)))
    assert len(ami.actions("MixMonitorMute")) == 20
    assert len(ami.connected_at) == 2


async def test_given_uses_in_the_moments_of_closing_when_repeated_then_none_is_lost(
    ami: ScriptedAmi, opened: Open
) -> None:
    session = await opened(idle_s=0.0)
    for number in range(30):
        await session.send(MUTE)
        await asyncio.sleep(number * 0.0005)  # before, while and after it closes
    assert len(ami.actions("MixMonitorMute")) == 30


async def test_given_the_pbx_is_down_when_used_then_it_says_so_in_time_and_recovers(
    ami: ScriptedAmi, opened: Open
) -> None:
    session = await opened(connect_timeout_s=0.3)
    await ami.wait_for_action("Logoff")
    await eventually(lambda: not session.open)
    await ami.stop()
    async with asyncio.timeout(2):
        with pytest.raises(PbxUnavailable):
            await session.send(MUTE)
    ups = len(ami.connected_at)
    await ami.start()
    await eventually(lambda: len(ami.connected_at) > ups)
    assert (await session.send(MUTE))["Response"] == "Success"


async def test_given_a_wrong_secret_when_started_then_the_log_says_it_at_once(
    ami: ScriptedAmi, opened: Open
) -> None:
    ami.on["Login"] = log_in
    ami.secret = "another"
    with capture_logs() as log:
        await opened()
        await eventually(lambda: any(x["event"] == "ami_login_refused" for x in log))
