"""The link, ARI and provisioning with a real Asterisk and real softphones."""

from __future__ import annotations

import asyncio
import time

import pytest

from bridge.calls.pbx import HangUpResult, PbxRefused, PbxUnavailable
from bridge.calls.state.pbx_events import (
    ChannelAppeared,
    ChannelHungUp,
    ChannelSnapshot,
    DialEnded,
    OriginateEnded,
    Transferred,
)
from bridge.directory.caller_ids import CallerId
from bridge.pbx.ami.link import AmiLink
from bridge.pbx.ami.values import MAX_LINE_BYTES, AmiAction
from bridge.pbx.pbx_settings import Dialplan
from bridge.pbx.phones.provisioning import provision
from bridge.testing.eventually import eventually
from bridge.testing.softphones.phone_observer import PhoneError
from tests.lab.astdb import phones_on_disk
from tests.scripted_ami.orders import CALL_ID, order
from tests.scripted_ami.recording_listener import RecordingListener

from .real_pbx import PROFILE, RealPbx, account

A, B, C = "0003*210", "0003*211", "0003*212"


def hung_up(real: RealPbx) -> list[ChannelHungUp]:
    return [one for one in real.listener.events if isinstance(one, ChannelHungUp)]


def transfers(real: RealPbx) -> list[Transferred]:
    return [one for one in real.listener.events if isinstance(one, Transferred)]


def channel_to(real: RealPbx, number: str, nth: int = 0) -> ChannelSnapshot:
    appeared = [one for one in real.listener.events if isinstance(one, ChannelAppeared)]
    return [one.channel for one in appeared if one.channel.endpoint == f"PJSIP/{number}"][nth]


async def test_a_call_from_originate_to_hang_up(real: RealPbx) -> None:
    await provision([account(A), account(B)], PROFILE, real.ari)
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
        # Of the Local channel, of the source that it dials, of the destination.
        await listener.until(lambda: sum(isinstance(e, DialEnded) for e in listener.events) == 3)
        channels = (await real.link.snapshot()).channels
        assert {one.linkedid for one in channels} == {CALL_ID}
        # The source is rung through a Local channel, whose first half has the id of the call.
        [first_half] = [one for one in channels if one.uniqueid == CALL_ID]
        assert first_half.caller_name == "Zoë: (x)"
        assert {one.endpoint for one in channels} >= {f"PJSIP/{A}", f"PJSIP/{B}"}

        assert await real.link.hang_up(CALL_ID) is HangUpResult.HUNG_UP
        await asyncio.gather(a.wait_closed(), b.wait_closed())
        await listener.until(
            lambda: sum(isinstance(e, ChannelHungUp) for e in listener.events) == len(channels)
        )
        assert await real.link.hang_up(CALL_ID) is HangUpResult.NO_SUCH_CHANNEL
        first, *_ = [one for one in listener.events if isinstance(one, ChannelAppeared)]
        assert (first.uniqueid, first.linkedid) == (CALL_ID, CALL_ID)
        assert abs(first.at_ms - time.time() * 1000) < 30_000


async def test_a_dialplan_without_our_contexts_refuses_at_once(real: RealPbx) -> None:
    elsewhere = AmiLink(real.ami_settings, dialplan=Dialplan(call_context="nowhere"))
    elsewhere.listen(RecordingListener())
    await elsewhere.start()
    await eventually(lambda: elsewhere.link.up)
    with pytest.raises(PbxRefused, match="does not exist"):
        await elsewhere.originate(order())
    await elsewhere.stop()


async def test_several_sources_the_first_wins(real: RealPbx) -> None:
    await provision([account(A), account(B), account(C)], PROFILE, real.ari)
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


async def test_an_unregistered_source_ends_without_a_channel_to_it(real: RealPbx) -> None:
    await provision([account(A)], PROFILE, real.ari)
    await real.up()
    assert not real.link.reachable(f"PJSIP/{A}")
    await real.link.originate(order())
    listener = real.listener
    await listener.until(lambda: any(isinstance(e, OriginateEnded) for e in listener.events))
    [ended] = [one for one in listener.events if isinstance(one, OriginateEnded)]
    assert (ended.call_id, ended.succeeded, ended.reason) == (CALL_ID, False, 0)
    appeared = [one.channel for one in listener.events if isinstance(one, ChannelAppeared)]
    assert [one.endpoint for one in appeared if one.endpoint.startswith("PJSIP/")] == []
    await listener.until(lambda: len(hung_up(real)) == len(appeared))


async def test_a_blind_transfer_by_a_phone_is_told(real: RealPbx) -> None:
    await provision([account(A), account(B), account(C)], PROFILE, real.ari)
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
        source = channel_to(real, A)
        assert (told.transferer, told.transferer_linkedid) == (source.uniqueid, CALL_ID)


async def test_an_attended_transfer_by_a_phone_is_told(real: RealPbx) -> None:
    await provision([account(A), account(B), account(C)], PROFILE, real.ari)
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
        assert (told.attended, told.succeeded) == (True, True)
        source = channel_to(real, A)
        assert (told.transferer, told.transferer_linkedid) == (source.uniqueid, CALL_ID)
        assert told.target == channel_to(real, A, nth=1).uniqueid
        # B is reached through the Local channel: its second half is what A talked with.
        assert told.transferee == f"{CALL_ID};2"


async def test_phones_come_change_and_go(real: RealPbx) -> None:
    wanted = [account(A, "Ján"), account(B)]
    assert (await provision(wanted, PROFILE, real.ari)).added == (A, B)
    assert (await provision(wanted, PROFILE, real.ari)).unchanged == (A, B)
    await real.up()
    async with real.phone(A):
        await eventually(lambda: real.link.reachable(f"PJSIP/{A}"))
    await eventually(lambda: not real.link.reachable(f"PJSIP/{A}"))

    result = await provision([account(B)], PROFILE, real.ari)
    assert (result.removed, result.unchanged) == ((A,), (B,))
    assert {one.resource for one in await real.ari.endpoints()} == {B, "trunk"}
    assert await real.ari.dynamic_object("auth", A) is None
    with pytest.raises(PhoneError):
        await real.phone(A).start(timeout_s=1)


async def test_a_phone_of_which_nothing_was_told_yet_is_found_by_asking(real: RealPbx) -> None:
    """Events lag behind a registration, and ARI counts a phone as offline until it was asked."""

    async def all_offline() -> dict[str, bool]:
        return {f"PJSIP/{A}": False, f"PJSIP/{B}": False}

    await provision([account(A), account(B)], PROFILE, real.ari)
    await real.up()
    link = AmiLink(real.ami_settings, endpoint_states=all_offline)
    link.listen(RecordingListener())
    async with real.phone(A):
        await eventually(lambda: real.link.reachable(f"PJSIP/{A}"))
        await link.start()
        await eventually(lambda: link.link.up)
        assert not link.reachable(f"PJSIP/{A}")
        assert await link.has_phone_to_ring(f"PJSIP/{A}")
        assert not await link.has_phone_to_ring(f"PJSIP/{B}")
    await eventually(lambda: not real.link.reachable(f"PJSIP/{A}"))
    assert not await real.link.has_phone_to_ring(f"PJSIP/{A}")
    await link.stop()


async def test_phones_stay_over_a_crash_and_the_link_comes_back(real: RealPbx) -> None:
    await provision([account(A), account(B)], PROFILE, real.ari)
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
    assert (await provision([account(A), account(B)], PROFILE, real.ari)).unchanged == (A, B)
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
    longest = AmiAction("Ping", (("X", "y" * (MAX_LINE_BYTES - len("X: "))),))
    assert (await real.link.send(longest))["Response"] == "Success"
