"""A comparison with the PBX takes a moment, and calls begin and end in that moment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bridge.calls import pbx_events as ev
from bridge.calls.pbx import HangUpResult, LinkStatus, OriginateOrder, Pbx, PbxListener
from bridge.calls.phone_call import Flow, Leg, Origin, PhoneCall, Side
from bridge.calls.switchboard import Switchboard, now_ms
from bridge.calls.tracker import CallTracker
from tests.unit.calls.example_parties import PARTIES


class PbxWithEvents:
    """Its list of channels is answered after `meanwhile` has happened."""

    name = "pbx1"
    link = LinkStatus(up=True, since_ms=0)

    def __init__(self) -> None:
        self.channels: tuple[ev.ChannelSnapshot, ...] = ()
        self.meanwhile: Callable[[], None] = lambda: None
        self.hung_up: list[str] = []
        self.clock_ahead_ms = 0

    async def originate(self, order: OriginateOrder) -> None:
        raise NotImplementedError

    async def hang_up(self, uniqueid: str) -> HangUpResult:
        self.hung_up.append(uniqueid)
        return HangUpResult.NO_SUCH_CHANNEL

    async def snapshot(self) -> ev.PbxSnapshot:
        snapshot = ev.PbxSnapshot(now_ms() + self.clock_ahead_ms, self.channels)
        self.meanwhile()
        return snapshot

    async def refresh_endpoints(self) -> None:
        pass

    def reachable(self, endpoint: str) -> bool:
        return True


class KeptCalls:
    """Storage that keeps nothing but what was finished."""

    def __init__(self) -> None:
        self.finished: list[PhoneCall] = []

    def track(self, call: PhoneCall, extra: Sequence[Any] = (), written: Any = None) -> None:
        pass

    def finish_later(self, call: PhoneCall, extra: Sequence[Any] = (), written: Any = None) -> None:
        self.finished.append(call)

    async def mark(self, call: PhoneCall) -> None:
        raise NotImplementedError

    async def find(self, call_id: str) -> PhoneCall | None:
        return next((x for x in self.finished if x.id == call_id), None)

    async def live(self, pbx: str) -> list[PhoneCall]:
        return []

    async def ended(
        self, extensions: Collection[str], since_ms: int, *, call_id: str | None = None
    ) -> list[PhoneCall]:
        return []


def switchboard_of(pbx: PbxWithEvents) -> tuple[Switchboard, KeptCalls]:
    records = KeptCalls()

    def make_pbx(_: PbxListener) -> Pbx:
        return pbx

    return Switchboard(make_pbx, CallTracker("pbx1", PARTIES), records, 10.0), records


def channel(uniqueid: str) -> ev.ChannelSnapshot:
    return ev.ChannelSnapshot(
        uniqueid, uniqueid, "PJSIP/0003*210-00000001", "PJSIP/0003*210", ev.ChannelState.RING
    )


async def test_given_channel_hung_up_while_listed_when_resynced_then_its_call_stays_ended() -> None:
    pbx = PbxWithEvents()
    switchboard, records = switchboard_of(pbx)
    phone = channel("1795301346.1")
    switchboard.pbx_event(ev.ChannelAppeared(now_ms() - 9, phone.uniqueid, phone.linkedid, phone))
    assert len(switchboard.calls.live) == 1
    pbx.channels = (phone,)
    pbx.meanwhile = lambda: switchboard.pbx_event(
        ev.ChannelHungUp(now_ms(), phone.uniqueid, phone.linkedid, cause=16)
    )

    await switchboard.resync()

    assert list(switchboard.calls.live) == []
    assert len(records.finished) == 1
    # What was remembered for that one comparison is not held against the next.
    pbx.meanwhile = lambda: None
    await switchboard.resync()
    assert len(switchboard.calls.live) == 1


@pytest.mark.parametrize("pbx_clock_ahead_ms", [-60_000, 0, 60_000])
async def test_given_channel_appears_while_listed_when_resynced_then_its_call_lives_on(
    pbx_clock_ahead_ms: int,
) -> None:
    """Events without a Timestamp are told in our clock, the list always in that of the PBX."""
    pbx = PbxWithEvents()
    pbx.clock_ahead_ms = pbx_clock_ahead_ms
    switchboard, records = switchboard_of(pbx)
    phone = channel("1795301346.2")
    pbx.meanwhile = lambda: switchboard.pbx_event(
        ev.ChannelAppeared(now_ms(), phone.uniqueid, phone.linkedid, phone)
    )

    await switchboard.resync()

    assert len(switchboard.calls.live) == 1
    assert records.finished == []


def api_call(call_id: str) -> PhoneCall:
    return PhoneCall(
        id=call_id,
        pbx="pbx1",
        linkedid=call_id,
        origin=Origin.API,
        flow=Flow.LOCAL,
        published_ms=now_ms(),
        extension="0003*210",
        legs=(Leg("00", Side.SOURCE, "0003*210", "210", "PJSIP/0003*210", "0003*210"),),
    )


@pytest.mark.parametrize("pbx_clock_ahead_ms", [-3_600_000, 0, 3_600_000])
@pytest.mark.parametrize("placed", ["before the list is asked for", "while it is on its way"])
async def test_given_answered_before_its_channel_is_heard_of_when_resynced_then_the_call_lives_on(
    placed: str, pbx_clock_ahead_ms: int
) -> None:
    """Seen with 50 calls being made at once: the phones talked, and the API had ended the call."""
    pbx = PbxWithEvents()
    pbx.clock_ahead_ms = pbx_clock_ahead_ms
    switchboard, records = switchboard_of(pbx)
    call = api_call("00000000000000000abc")
    answered = ev.OriginateEnded(now_ms() + pbx_clock_ahead_ms, call.id, succeeded=True, reason=4)

    def place() -> None:
        switchboard.calls.add(call)
        switchboard.pbx_event(answered)

    if placed == "while it is on its way":
        pbx.meanwhile = place
    else:
        place()

    await switchboard.resync()

    assert records.finished == []
    phone = replace(channel(call.id), state=ev.ChannelState.UP)
    appeared_ms = now_ms() + pbx_clock_ahead_ms
    switchboard.pbx_event(ev.ChannelAppeared(appeared_ms, phone.uniqueid, phone.linkedid, phone))
    [live] = switchboard.calls.live
    assert list(live.channels) == [call.id]
    assert pbx.hung_up == []


async def test_given_no_channel_comes_at_all_when_resynced_after_the_grace_time_then_it_ends() -> (
    None
):
    pbx = PbxWithEvents()
    switchboard, records = switchboard_of(pbx)
    call = replace(api_call("00000000000000000abc"), published_ms=now_ms() - 10_001)
    switchboard.calls.add(call)
    switchboard.pbx_event(ev.OriginateEnded(now_ms(), call.id, succeeded=True, reason=4))

    await switchboard.resync()

    assert [x.id for x in records.finished] == [call.id]


async def test_given_a_new_link_while_listed_when_resynced_then_the_newer_list_counts() -> None:
    pbx = PbxWithEvents()
    switchboard, records = switchboard_of(pbx)
    phone = channel("1795301346.3")
    pbx.meanwhile = lambda: switchboard.link_up(ev.PbxSnapshot(now_ms(), (phone,)))

    await switchboard.resync()

    assert len(switchboard.calls.live) == 1
    assert records.finished == []
    await switchboard.stop()
