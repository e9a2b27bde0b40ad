"""Calls that part and join again and again: each extension is told the end of each call once."""

from __future__ import annotations

from collections import Counter
from random import Random

from bridge.calls.live.change import Change
from bridge.calls.live.tracker import CallTracker
from bridge.calls.state import pbx_events as ev
from bridge.calls.state.pbx_events import ChannelState
from bridge.calls.state.phone_call import Flow, Leg, Origin, PhoneCall, Side
from bridge.phone_call_events.call_events import events_of
from bridge.phone_call_events.subscription import EventType

from ..calls.example_parties import PARTIES

API_ID = "00000000000000000abc"
AT_MS = 1_800_000_000_000
ALL = tuple(f"0003*{x}" for x in (210, 211, 212, 213, 214, 500))
PAYER = "0003*214"


class Exchange:
    """Channels of one Linkedid that dial, talk and are moved, as `random` has it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.tracker = CallTracker("pbx1", PARTIES)
        self.channels: list[str] = []
        self.root = ""
        self._ringing: list[tuple[str, str]] = []
        self._count = 0
        self.began: set[tuple[str, str]] = set()
        self.ends: set[tuple[str, str, str]] = set()

    def event(self, event: ev.PbxEvent) -> None:
        for change in self.tracker.event(event):
            self._told(change)

    def _told(self, change: Change) -> None:
        for event in events_of(change, ALL):
            call_id = event.call_id(change.after)
            if event.type in (EventType.DIAL_IN, EventType.DIAL_OUT):
                self.began.add((event.extension, call_id))
            elif event.type is EventType.HANG_UP:  # one part is one event, however often it is made
                self.ends.add((event.extension, call_id, event.part))

    def begin(self) -> None:
        """210 talks to 211: its own call, or one of the API that 214 pays."""
        paid_by_other = self.random.random() < 0.5
        if paid_by_other:
            self.tracker.add(api_call())
        self._count, self.root = 1, API_ID if paid_by_other else "46.0"
        state = ChannelState.UP if paid_by_other else ChannelState.RING
        first = channel(self.root, self.root, 0, state)
        self.channels.append(self.root)
        self.event(ev.ChannelAppeared(self._now(), self.root, self.root, first))
        if paid_by_other:
            self.event(ev.OriginateEnded(self._now(), API_ID, True, 4))
        self._dial(self.root, 1)
        self._answer()

    def step(self) -> None:
        """Something happens to somebody."""
        what, who = self.random.random(), self.random.choice(self.channels)
        if what < 0.5:
            self._dial(who, self.random.randrange(5))
        elif what < 0.8 and self._ringing:
            self._answer()
        elif what < 0.9:
            room = ev.ConferenceJoined(self._now(), who, self.root, "0003*500", "room")
            self.event(room)
        elif what < 0.95:
            for x in {who, self.random.choice(self.channels)}:
                self._bridged(x, f"others {self._count}")
        elif len(self.channels) > 1:
            self.hang_up(who)

    def hang_up(self, uniqueid: str) -> None:
        self.channels.remove(uniqueid)
        self._ringing = [x for x in self._ringing if uniqueid not in x]
        self.event(ev.ChannelHungUp(self._now(), uniqueid, self.root, 16))

    def _dial(self, caller: str, digit: int) -> None:
        uniqueid, self._count = f"46.{self._count}", self._count + 1
        dialled = channel(uniqueid, self.root, digit, ChannelState.DOWN)
        self.channels.append(uniqueid)
        self._ringing.append((caller, uniqueid))
        self.event(ev.ChannelAppeared(self._now(), uniqueid, self.root, dialled))
        self.event(ev.DialBegun(self._now(), caller, dialled, f"0003*21{digit}"))

    def _answer(self) -> None:
        caller, dialled = self._ringing.pop(self.random.randrange(len(self._ringing)))
        up, answer = ChannelState.UP, ev.DialStatus.ANSWER
        self.event(ev.ChannelStateChanged(self._now(), dialled, self.root, up))
        self.event(ev.DialEnded(self._now(), caller, dialled, self.root, answer))
        for uniqueid in (dialled, caller):
            self._bridged(uniqueid, f"of {dialled}")

    def _bridged(self, uniqueid: str, bridge: str) -> None:
        up = ChannelState.UP
        self.event(ev.ChannelBridged(self._now(), uniqueid, self.root, up, bridge))

    def _now(self) -> int:
        return AT_MS + self._count


def channel(uniqueid: str, root: str, digit: int, state: ChannelState) -> ev.ChannelSnapshot:
    endpoint = f"PJSIP/0003*21{digit}"
    exten = "211" if uniqueid == root else ""
    return ev.ChannelSnapshot(
        uniqueid, root, f"{endpoint}-{uniqueid}", endpoint, state, exten=exten
    )


def api_call() -> PhoneCall:
    legs = (
        Leg("00", Side.SOURCE, "0003*210", "210", "PJSIP/0003*210", "0003*210"),
        Leg("01", Side.DESTINATION, "0003*211", "211", "PJSIP/0003*211", "0003*211"),
    )
    return PhoneCall(
        id=API_ID,
        pbx="pbx1",
        linkedid=API_ID,
        origin=Origin.API,
        flow=Flow.LOCAL,
        published_ms=AT_MS,
        extension=PAYER,
        user_id=12,
        organization="0003",
        legs=legs,
    )


def test_given_calls_that_part_and_join_when_all_are_over_then_each_is_told_its_end_once() -> None:
    for seed in range(150):
        exchange = Exchange(Random(seed))
        exchange.begin()
        for _ in range(20):
            exchange.step()
        for uniqueid in list(exchange.channels):
            exchange.hang_up(uniqueid)
        assert not list(exchange.tracker.live), seed
        told = Counter((extension, call_id) for extension, call_id, _ in exchange.ends)
        assert {x: n for x, n in told.items() if n > 1} == {}, seed
        assert exchange.began - told.keys() == set(), seed
