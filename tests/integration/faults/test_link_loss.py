"""A lost, mute, refused or booting PBX: noticed in time, told once, recovered from."""

from __future__ import annotations

import asyncio
import time

import pytest
from structlog.testing import capture_logs

from bridge.calls.pbx import Pbx, PbxUnavailable
from bridge.clock import now_ms
from bridge.pbx.ami.link import AmiLink
from bridge.testing.eventually import eventually
from tests.scripted_ami.orders import order, quick_settings
from tests.scripted_ami.recording_listener import RecordingListener
from tests.scripted_ami.server import (
    ReceivedAction,
    ScriptedAmi,
    Session,
    channel,
    event,
    refuse,
    silence,
)

from .conftest import StartLink


async def test_a_half_open_link_is_noticed_within_the_set_time(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    link = await start_link(ping_interval_s=0.3, ping_timeout_s=0.2)
    ami.mute = True
    began = time.monotonic()
    await listener.until(lambda: bool(listener.downs))
    assert time.monotonic() - began < 0.3 + 0.2 + 3  # the last is for a busy machine
    assert not link.link.up
    assert now_ms() - link.link.since_ms >= 200  # it was silent from the ping on
    assert listener.downs == ["the PBX does not answer any more"]
    offset_ms = int(link._clock_offset_s * 1000)  # noqa: SLF001 - the listener has the PBX's clock
    assert listener.down_ms == [link.link.since_ms + offset_ms]
    ami.mute = False
    await listener.until(lambda: len(listener.snapshots) == 2)


async def then_an_event(session: Session, _: ReceivedAction) -> None:
    await session.send(event("Other"))


async def test_no_ping_answer_but_events_is_a_living_link(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    link = await start_link(ping_interval_s=0.05, ping_timeout_s=1)
    ami.on["Ping"] = then_an_event
    await ami.wait_for_action("Ping", 4, timeout=20)
    assert link.link.up
    assert len(ami.connected_at) == 1


async def test_a_ping_keeps_the_link_alive(ami: ScriptedAmi, start_link: StartLink) -> None:
    link = await start_link(ping_interval_s=0.05)
    await ami.wait_for_action("Ping", 5)
    assert link.link.up
    assert len(ami.connected_at) == 1


async def test_shutdown_is_down_at_once(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    link = await start_link()
    began = time.monotonic()
    await ami.send(event("Shutdown", Shutdown="Cleanly", Restart="False"))
    await listener.until(lambda: bool(listener.downs))
    assert time.monotonic() - began < 3
    assert listener.downs == ["the PBX shuts down"]
    assert link.link.why == "the PBX shuts down"


async def test_every_reconnect_brings_a_new_snapshot(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    await start_link()
    ami.channels.append(channel("PJSIP/0003*210-00000001", "a" * 20))
    ami.drop_all()
    await listener.until(lambda: len(listener.snapshots) == 2)
    assert [len(one.channels) for one in listener.snapshots] == [0, 1]
    assert len(listener.downs) == 1


async def test_a_refused_login_is_an_error_and_retried_with_growing_delay(
    ami: ScriptedAmi, start_link: StartLink
) -> None:
    ami.secret = "another"
    with capture_logs() as logs:
        link = await start_link(
            up=False, login_timeout_s=10, reconnect_min_s=0.1, reconnect_max_s=0.4
        )
        await ami.wait_for_action("Login", 4)
    gaps = [b - a for a, b in zip(ami.connected_at, ami.connected_at[1:], strict=False)]
    # Up to a quarter less than 0.1, 0.2, 0.4 s; more on a busy machine.
    for gap, delay_s in zip(gaps[:3], (0.1, 0.2, 0.4), strict=True):
        assert delay_s * 0.74 < gap
    assert "Authentication failed" in link.link.why
    # One line for one problem, however often it is tried.
    said = [line["event"] for line in logs if line["log_level"] in ("warning", "error")]
    assert said == ["ami_login_refused"]
    assert "s3cret" not in str(logs)
    with pytest.raises(PbxUnavailable, match="login refused"):
        await link.originate(order())
    ami.secret = "s3cret"
    await eventually(lambda: link.link.up)


async def test_an_unanswered_login_ends_in_time(ami: ScriptedAmi, start_link: StartLink) -> None:
    ami.on["Login"] = silence
    await start_link(up=False, login_timeout_s=0.1, reconnect_min_s=0.05)
    await ami.wait_for_action("Login", 2)


async def test_the_delay_starts_anew_after_a_link_that_worked(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    await start_link(reconnect_min_s=0.05, reconnect_max_s=10)
    for count in range(2, 10):  # a delay that only grew would end at 6 s
        await asyncio.sleep(0.06)  # it has worked for longer than the first delay
        ami.drop_all()
        began = time.monotonic()
        await listener.until(lambda count=count: len(listener.snapshots) == count)  # type: ignore[misc]
        assert time.monotonic() - began < 3


async def test_nobody_listens_there_at_first(listener: RecordingListener) -> None:
    ami = ScriptedAmi()
    async with ami:
        pass  # now the port is known, and closed
    link = AmiLink(quick_settings(ami))
    link.listen(listener)
    await link.start()
    await eventually(lambda: bool(link.link.why))
    assert not link.link.up
    assert listener.heard == []
    async with ami:
        await listener.until(lambda: link.link.up)
        await link.stop()


async def test_a_booting_pbx_is_not_up(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    ami.booted = False
    link = await start_link(up=False)
    await ami.wait_for_action("Login")
    await eventually(lambda: link.link.why.startswith("the PBX is still booting"))
    assert not link.link.up
    with pytest.raises(PbxUnavailable, match="booting"):
        await link.originate(order())
    assert ami.actions("Originate") == []
    await ami.finish_booting()
    await listener.until(lambda: link.link.up)
    assert len(ami.connected_at) == 1


async def test_the_end_of_a_boot_is_noticed_even_if_its_event_is_filtered_out(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    ami.booted = False
    link = await start_link(up=False, boot_recheck_s=0.1, reconnect_min_s=0.05, reconnect_max_s=10)
    await ami.wait_for_action("Login", 7)  # with a growing delay this would take 3 s more
    ami.booted = True
    began = time.monotonic()
    await listener.until(lambda: link.link.up)
    assert time.monotonic() - began < 2


async def test_a_refused_snapshot_is_a_link_that_is_down(
    ami: ScriptedAmi, start_link: StartLink
) -> None:
    ami.on["CoreShowChannels"] = refuse("Permission denied")
    link = await start_link(up=False)
    await ami.wait_for_action("CoreShowChannels", 2)
    assert "Permission denied" in link.link.why


async def test_a_list_with_a_channel_that_cannot_be_read_is_no_list(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    """Taken without it, the call of that channel would be thought over."""
    whole = [("Channel", "PJSIP/a-1"), ("Uniqueid", "u1"), ("ChannelState", "6")]
    ami.channels = [whole, [x for x in whole if x[0] != "Uniqueid"], whole]
    link = await start_link(up=False)
    await ami.wait_for_action("CoreShowChannels", 2)
    assert not listener.snapshots
    ami.channels = [whole]
    await listener.until(lambda: link.link.up)
    assert [x.uniqueid for x in listener.snapshots[-1].channels] == ["u1"]


async def test_something_else_than_ami_listens_there(
    ami: ScriptedAmi, listener: RecordingListener
) -> None:
    async def ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(ssh, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        link = AmiLink(quick_settings(ami, port=port))
        link.listen(listener)
        await link.start()
        await eventually(lambda: "not AMI" in link.link.why)
        await link.stop()


async def test_stop_logs_off_and_tells_the_listener(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    link = await start_link()
    await link.stop()
    assert len(ami.actions("Logoff")) == 1
    assert listener.downs == ["stopped"]
    await asyncio.sleep(0.2)  # longer than the delay before a reconnect
    assert len(ami.connected_at) == 1
    await link.start()
    await listener.until(lambda: link.link.up)


async def test_stop_ends_in_time_while_the_pbx_is_mute(
    ami: ScriptedAmi, start_link: StartLink
) -> None:
    link = await start_link(ping_interval_s=5)
    ami.mute = True
    began = time.monotonic()
    await link.stop()
    assert time.monotonic() - began < 3


async def test_moments_are_told_in_the_clock_of_the_pbx(
    ami: ScriptedAmi, listener: RecordingListener, start_link: StartLink
) -> None:
    ami.clock_offset_s = -3600
    await start_link()
    assert abs(listener.snapshots[0].at_ms - (time.time() - 3600) * 1000) < 1000


def test_it_is_what_the_calls_need_of_a_pbx(ami: ScriptedAmi) -> None:
    pbx: Pbx = AmiLink(quick_settings(ami))
    assert pbx.name == "pbx-1"
    assert not pbx.link.up
    assert "s3cret" not in repr(quick_settings(ami))


async def test_a_link_that_nobody_listens_to_does_not_start(ami: ScriptedAmi) -> None:
    with pytest.raises(RuntimeError, match="listen"):
        await AmiLink(quick_settings(ami)).start()
