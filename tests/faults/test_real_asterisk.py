"""The link, ARI and provisioning with a real Asterisk and real softphones."""

from __future__ import annotations

import asyncio
import time

import pytest

from bridge.calls.pbx import CallerId, HangUpResult, PbxRefused, PbxUnavailable
from bridge.calls.pbx_events import (
    ChannelAppeared,
    ChannelHungUp,
    DialEnded,
    OriginateEnded,
    Transferred,
)
from bridge.pbx.ami_link import AmiLink
from bridge.pbx.ami_values import MAX_LINE_BYTES, AmiAction
from bridge.pbx.pbx_settings import Dialplan
from bridge.pbx.provisioning import provision
from tests.lab.astdb import phones_on_disk
from tests.scripted_ami.eventually import eventually
from tests.scripted_ami.orders import CALL_ID, order
from tests.scripted_ami.recording_listener import RecordingListener
from tests.softphones.phone_observer import PhoneError

from .real_pbx import RealPbx, account

A, B, C = "0003*210", "0003*211", "0003*212"


def hung_up(real: RealPbx) -> list[ChannelHungUp]:
    return [one for one in real.listener.events if isinstance(one, ChannelHungUp)]


def transfers(real: RealPbx) -> list[Transferred]:
    return [one for one in real.listener.events if isinstance(one, Transferred)]


async def test_a_call_from_originate_to_hang_up(real: RealPbx) -> None:
    await provision([account(A), account(B)], real.ari)
    await real.up()
    async with real.phone(A, answer="manual") as a, real.phone(B) as b:
        await eventually(lambda: real.link.reachable(f"PJSIP/{A}"))
        sent = order(
            caller_id=CallerId("Ján, Žák's?", B), destination_caller_id=CallerId("Zoë: (x)", A)
        )
        await real.link.originate(sent)
        ringing = await a.wait_ringing()
        assert ringing.caller_name == "Ján, Žák's?"
        await a.accept()
        established = await b.wait_established()
        assert (established.caller_name, established.caller_number) == ("Zoë: (x)", A)
        listener = real.listener
        await listener.until(lambda: sum(isinstance(e, DialEnded) for e in listener.events) == 2)
        channels = {one.endpoint: one for one in (await real.link.snapshot()).channels}
        assert set(channels) == {f"PJSIP/{A}", f"PJSIP/{B}"}
        assert {one.linkedid for one in channels.values()} == {CALL_ID}
        assert channels[f"PJSIP/{A}"].uniqueid == CALL_ID
        assert channels[f"PJSIP/{A}"].caller_name == "Zoë: (x)"

        assert await real.link.hang_up(CALL_ID) is HangUpResult.HUNG_UP
        await asyncio.gather(a.wait_closed(), b.wait_closed())
        await listener.until(
            lambda: sum(isinstance(e, ChannelHungUp) for e in listener.events) == 2
        )
        assert await real.link.hang_up(CALL_ID) is HangUpResult.NO_SUCH_CHANNEL
        first, *_ = [one for one in listener.events if isinstance(one, ChannelAppeared)]
        assert (first.uniqueid, first.linkedid) == (CALL_ID, CALL_ID)
        assert abs(first.at_ms - time.time() * 1000) < 30_000


async def test_a_dialplan_without_our_contexts_refuses_at_once(real: RealPbx) -> None:
    elsewhere = AmiLink(
        real.ami_settings, RecordingListener(), dialplan=Dialplan(call_context="nowhere")
    )
    await elsewhere.start()
    await eventually(lambda: elsewhere.link.up)
    with pytest.raises(PbxRefused, match="does not exist"):
        await elsewhere.originate(order())
    await elsewhere.stop()


async def test_several_sources_the_first_wins(real: RealPbx) -> None:
    await provision([account(A), account(B), account(C)], real.ari)
    await real.up()
    async with (
        real.phone(A, answer="manual") as a,
        real.phone(B, answer="manual") as b,
        real.phone(C) as c,
    ):
        await eventually(lambda: real.link.reachable(f"PJSIP/{C}"))
        sources = (f"PJSIP/{A}", f"PJSIP/{B}")
        await real.link.originate(order(sources=sources, destinations=(f"PJSIP/{C}",)))
        await asyncio.gather(a.wait_ringing(), b.wait_ringing())
        await b.accept()
        await c.wait_established()
        await a.wait_closed()
        assert a.missed_calls == []
        assert [one.cause for one in hung_up(real)] == [26]
        assert await real.link.hang_up(CALL_ID) is HangUpResult.HUNG_UP
        await asyncio.gather(b.wait_closed(), c.wait_closed())
        # Three phones and the two halves of the Local channel.
        await real.listener.until(lambda: len(hung_up(real)) == 5)
        assert (await real.link.snapshot()).channels == ()


async def test_an_unregistered_source_ends_without_a_channel(real: RealPbx) -> None:
    await provision([account(A)], real.ari)
    await real.up()
    assert not real.link.reachable(f"PJSIP/{A}")
    await real.link.originate(order())
    await real.listener.until(lambda: bool(real.listener.events))
    [ended] = real.listener.events
    assert isinstance(ended, OriginateEnded)
    assert (ended.call_id, ended.succeeded, ended.reason) == (CALL_ID, False, 0)


async def test_a_blind_transfer_by_a_phone_is_told(real: RealPbx) -> None:
    await provision([account(A), account(B), account(C)], real.ari)
    await real.up()
    async with real.phone(A) as a, real.phone(B) as b, real.phone(C) as c:
        await eventually(lambda: real.link.reachable(f"PJSIP/{C}"))
        await real.link.originate(order())
        await asyncio.gather(a.wait_established(), b.wait_established())
        await a.transfer(C)
        await c.wait_established()
        await real.listener.until(lambda: bool(transfers(real)))
        [told] = transfers(real)
        assert (told.attended, told.succeeded, told.target) == (False, True, C)
        assert told.transferer == told.transferer_linkedid == CALL_ID


async def test_an_attended_transfer_by_a_phone_is_told(real: RealPbx) -> None:
    await provision([account(A), account(B), account(C)], real.ari)
    await real.up()
    async with real.phone(A) as a, real.phone(B) as b, real.phone(C) as c:
        await eventually(lambda: real.link.reachable(f"PJSIP/{C}"))
        await real.link.originate(order())
        first, _ = await asyncio.gather(a.wait_established(), b.wait_established())
        second = await a.dial(C)
        await c.wait_established()
        await a.attended_transfer(first, second)
        await real.listener.until(
            lambda: any(isinstance(e, Transferred) for e in real.listener.events)
        )
        await real.listener.until(lambda: bool(transfers(real)))
        [told] = transfers(real)
        appeared = [one for one in real.listener.events if isinstance(one, ChannelAppeared)]
        dialled = [one for one in appeared if one.channel.endpoint == f"PJSIP/{A}"][1]
        called = next(one for one in appeared if one.channel.endpoint == f"PJSIP/{B}")
        assert (told.attended, told.succeeded) == (True, True)
        assert told.transferer == told.transferer_linkedid == CALL_ID
        assert told.target == dialled.uniqueid
        assert told.transferee == called.uniqueid


async def test_phones_come_change_and_go(real: RealPbx) -> None:
    wanted = [account(A, "Ján"), account(B)]
    assert (await provision(wanted, real.ari)).added == (A, B)
    assert (await provision(wanted, real.ari)).unchanged == (A, B)
    await real.up()
    async with real.phone(A):
        await eventually(lambda: real.link.reachable(f"PJSIP/{A}"))
    await eventually(lambda: not real.link.reachable(f"PJSIP/{A}"))

    result = await provision([account(B)], real.ari)
    assert (result.removed, result.unchanged) == ((A,), (B,))
    assert {one.resource for one in await real.ari.endpoints()} == {B, "trunk"}
    assert await real.ari.dynamic_object("auth", A) is None
    with pytest.raises(PhoneError):
        await real.phone(A).start(timeout_s=1)


async def test_phones_stay_over_a_crash_and_the_link_comes_back(real: RealPbx) -> None:
    await provision([account(A), account(B)], real.ari)
    await phones_on_disk(real.asterisk.pbx.folder, A, B)
    await real.up()
    began = time.monotonic()
    await real.asterisk.kill()
    await real.listener.until(lambda: bool(real.listener.downs))
    assert time.monotonic() - began < 3  # a ping would need longer
    with pytest.raises(PbxUnavailable):
        await real.link.originate(order())
    await real.asterisk.start()
    await real.listener.until(lambda: len(real.listener.snapshots) == 2, timeout=20)
    assert (await provision([account(A), account(B)], real.ari)).unchanged == (A, B)
    async with real.phone(A), real.phone(B) as b:
        await eventually(lambda: real.link.reachable(f"PJSIP/{A}"))
        await real.link.originate(order())
        await b.wait_established()


async def test_shutdown_of_the_pbx_is_told_by_itself(real: RealPbx) -> None:
    await real.up()
    await real.asterisk.stop()
    await real.listener.until(lambda: bool(real.listener.downs))
    assert real.listener.downs == ["the PBX shuts down"]


async def test_the_longest_line_that_we_write_is_read(real: RealPbx) -> None:
    await real.up()
    connection = real.link._up_connection()
    longest = AmiAction("Ping", (("X", "y" * (MAX_LINE_BYTES - len("X: "))),))
    assert (await connection.send(longest, 2))["Response"] == "Success"
