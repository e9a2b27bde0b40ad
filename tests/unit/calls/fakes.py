"""A PBX and a storage that do as told, and remember what they were asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from bridge.calls.live.switchboard import Switchboard
from bridge.calls.live.tracker import CallTracker
from bridge.calls.pbx import (
    HangUpResult,
    InvalidPbxValue,
    LinkStatus,
    OriginateOrder,
    PbxUnavailable,
)
from bridge.calls.state.pbx_events import (
    ChannelAppeared,
    ChannelSnapshot,
    ChannelState,
    PbxSnapshot,
)
from bridge.calls.state.phone_call import Flow, Leg, Origin, PhoneCall, Side
from bridge.calls.store.ended_calls import EndedCalls
from bridge.calls.timeline.timelines import Timelines
from bridge.clock import now_ms

from .example_parties import PARTIES

_Shown = TypeVar("_Shown")

CALL_ID = "00000000000000000abc"


class FakePbx:
    """`fails`: what every action raises. `has_channels`: whether there is what is to be hung up.
    `during_snapshot` runs before the list is returned. `clock_ahead_ms`: of its clock before ours.
    While `answers_originates` is not set, an Originate is written and has no answer.
    """

    name = "pbx1"

    def __init__(self) -> None:
        self.link = LinkStatus(up=True, since_ms=0)
        self.originated: list[OriginateOrder] = []
        self.hung_up: list[str] = []
        self.asked: list[str] = []
        self.channels: tuple[ChannelSnapshot, ...] = ()
        self.fails: Exception | None = None
        self.has_channels = True
        self.clock_ahead_ms = 0
        self.during_snapshot: Callable[[], None] = lambda: None
        self.answers_originates = asyncio.Event()
        self.answers_originates.set()

    def originate(self, order: OriginateOrder) -> Coroutine[Any, Any, None]:
        self.originated.append(order)
        if isinstance(self.fails, PbxUnavailable | InvalidPbxValue):
            raise self.fails
        return self._originated()

    async def _originated(self) -> None:
        await self.answers_originates.wait()
        if self.fails is not None:
            raise self.fails

    async def hang_up(self, uniqueid: str) -> HangUpResult:
        self.hung_up.append(uniqueid)
        if self.fails is not None:
            raise self.fails
        return HangUpResult.HUNG_UP if self.has_channels else HangUpResult.NO_SUCH_CHANNEL

    async def ask_channel(self, uniqueid: str) -> bool:
        self.asked.append(uniqueid)
        if self.fails is not None:
            raise self.fails
        return self.has_channels

    async def snapshot(self) -> PbxSnapshot:
        if self.fails is not None:
            raise self.fails
        listed = PbxSnapshot(now_ms() + self.clock_ahead_ms, self.channels)
        self.during_snapshot()
        return listed

    async def has_phone_to_ring(self, endpoint: str) -> bool:
        return True

    def why_unreachable(self, dial: str) -> str:
        return ""

    def reachable(self, endpoint: str) -> bool:
        return True


class FakeRecords:
    def __init__(self) -> None:
        self.tracked: list[PhoneCall] = []
        self.finished: list[PhoneCall] = []
        self.marked: list[PhoneCall] = []
        self.stored: dict[str, PhoneCall] = {}

    def track(
        self, call: PhoneCall, extra: Sequence[Any] = (), written: Callable[[], None] | None = None
    ) -> None:
        self.tracked.append(call)

    def finish_later(
        self, call: PhoneCall, extra: Sequence[Any] = (), written: Callable[[], None] | None = None
    ) -> None:
        self.finished.append(call)

    async def mark(self, call: PhoneCall) -> None:
        self.marked.append(call)

    async def find(self, call_id: str) -> PhoneCall | None:
        return self.stored.get(call_id)

    async def live(self, pbx: str) -> list[PhoneCall]:
        return [x for x in self.stored.values() if x.final is None]

    async def ended(
        self, asked: EndedCalls, show: Callable[[PhoneCall], _Shown]
    ) -> tuple[list[_Shown], int]:
        return [], 0


class Exchange:
    """A switchboard over a fake PBX and fake records."""

    def __init__(
        self,
        grace_s: float = 10.0,
        records: FakeRecords | None = None,
        timelines: Timelines | None = None,
    ) -> None:
        self.records = records or FakeRecords()
        self.pbx = FakePbx()
        tracker = CallTracker("pbx1", PARTIES)
        self.switchboard = Switchboard(self.pbx, tracker, self.records, grace_s, timelines)

    @property
    def live(self) -> list[PhoneCall]:
        return list(self.switchboard.calls.live)


def accepted() -> PhoneCall:
    """A call of the API, just accepted: 210 calls 211."""
    return PhoneCall(
        id=CALL_ID,
        pbx="pbx1",
        linkedid=CALL_ID,
        origin=Origin.API,
        flow=Flow.LOCAL,
        published_ms=now_ms(),
        extension="0003*210",
        extension_spelled="210",
        user_id=12,
        organization="0003",
        legs=(
            Leg("00", Side.SOURCE, "0003*210", "210", "PJSIP/0003*210", "0003*210"),
            Leg("01", Side.DESTINATION, "0003*211", "211", "PJSIP/0003*211", "0003*211"),
        ),
    )


def channel(
    uniqueid: str,
    linkedid: str = CALL_ID,
    endpoint: str = "PJSIP/0003*210",
    state: ChannelState = ChannelState.RINGING,
) -> ChannelSnapshot:
    return ChannelSnapshot(uniqueid, linkedid, f"{endpoint}-00000001", endpoint, state)


def appears(snapshot: ChannelSnapshot) -> ChannelAppeared:
    return ChannelAppeared(now_ms(), snapshot.uniqueid, snapshot.linkedid, snapshot)


async def settle() -> None:
    """Let tasks that wait for nothing run to their end."""
    for _ in range(10):
        await asyncio.sleep(0)  # as a PBX, it answers in a later round of the loop
