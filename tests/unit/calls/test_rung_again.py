"""A queue that rings its agents again and again while one caller waits."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.calls.live.change import Change
from bridge.calls.live.tracker import CallTracker
from bridge.calls.state import party_of_channel
from bridge.calls.state import pbx_events as ev
from bridge.calls.state.call_views import views_of
from bridge.calls.state.phone_call import PhoneCall
from bridge.phone_call_events.call_events import events_of
from bridge.phone_call_events.subscription import EventType

from .example_parties import PARTIES
from .test_any_events import check_change

AT_MS = 1_800_000_000_000
CALLER = "100.1"
AGENTS = ("0003*211", "0003*212", "3235550200")
BUSY, REFUSED, NO_ANSWER = (
    (ev.DialStatus.BUSY, 17, 486),
    (ev.DialStatus.CONGESTION, 21, 603),
    (ev.DialStatus.NOANSWER, 0, None),
)
Ring = tuple[str, tuple[ev.DialStatus, int, int | None]]


class Queue:
    """A caller in the queue 0003*301, which rings an agent each second."""

    def __init__(self) -> None:
        self._tracker = CallTracker("pbx1", PARTIES)
        self._at_ms = AT_MS
        self._rings = 0
        self.changes: list[Change] = []
        caller = self._channel(CALLER, "PJSIP/0003*210", "301")
        caller = replace(caller, state=ev.ChannelState.RING)
        self._hears(ev.ChannelAppeared(AT_MS, CALLER, CALLER, caller))
        self._hears(ev.ChannelStateChanged(AT_MS, CALLER, CALLER, ev.ChannelState.UP))

    @property
    def call(self) -> PhoneCall:
        return self.changes[-1].after

    def rings(self, agent: str) -> str:
        self._at_ms += 1000
        self._rings += 1
        uniqueid = f"200.{self._rings}"
        endpoint = "PJSIP/trunk" if "*" not in agent else f"PJSIP/{agent}"
        channel = self._channel(uniqueid, endpoint, "")
        self._hears(ev.ChannelAppeared(self._at_ms, uniqueid, CALLER, channel))
        self._hears(ev.DialBegun(self._at_ms, CALLER, channel, agent))
        ringing = ev.ChannelState.RINGING
        self._hears(ev.ChannelStateChanged(self._at_ms, uniqueid, CALLER, ringing))
        return uniqueid

    def rings_out(self, ring: Ring) -> None:
        agent, (status, cause, sip_code) = ring
        uniqueid = self.rings(agent)
        self._at_ms += 100
        self._hears(ev.DialEnded(self._at_ms, CALLER, uniqueid, CALLER, status))
        self._hears(ev.ChannelHungUp(self._at_ms, uniqueid, CALLER, cause, sip_code))

    def is_left(self) -> PhoneCall:
        self._hears(ev.ChannelHungUp(self._at_ms + 1, CALLER, CALLER, 16))
        return self.call

    def told(self, extension: str) -> list[EventType]:
        return [x.type for change in self.changes for x in events_of(change, (extension,))]

    def _hears(self, event: ev.PbxEvent) -> None:
        for change in self._tracker.event(event):
            check_change(change)
            self.changes.append(change)

    @staticmethod
    def _channel(uniqueid: str, endpoint: str, exten: str) -> ev.ChannelSnapshot:
        name = f"{endpoint}-{uniqueid}"
        return ev.ChannelSnapshot(
            uniqueid, CALLER, name, endpoint, ev.ChannelState.DOWN, "210", "", exten
        )


@pytest.mark.parametrize("agent", AGENTS)
def test_given_an_agent_that_does_not_answer_when_rung_again_then_the_call_does_not_grow(
    agent: str,
) -> None:
    queue = Queue()
    for _ in range(50):
        queue.rings_out((agent, NO_ANSWER))
    assert len(queue.call.legs) == 4  # the caller, the first ring and the last two
    queue.rings(agent)
    shown = [(x.leg.number, x.status.name) for x in views_of(queue.call)]
    assert shown[1:] == [(agent, "RINGING")]
    assert queue.call.legs[-1].view_id == "51"


def test_given_an_agent_that_is_rung_again_when_each_ring_begins_then_it_is_told_of_each() -> None:
    queue = Queue()
    for _ in range(5):
        queue.rings_out((AGENTS[0], NO_ANSWER))
    queue.is_left()
    assert queue.told(AGENTS[0]) == [EventType.DIAL_IN] * 5 + [EventType.HANG_UP]


def _end(rings: list[Ring]) -> tuple[object, ...]:
    queue = Queue()
    for ring in rings:
        queue.rings_out(ring)
    call = queue.is_left()
    told = [(x, queue.told(x)) for x in ("0003*210", "0003*301", *AGENTS)]
    ended = [
        (x.extension, x.status, x.calling)
        for x in events_of(queue.changes[-1], ("0003*210", "0003*301", *AGENTS))
    ]
    views = [(x.leg, x.sources, x.destinations) for x in views_of(call)]
    return call.final, views, told, ended


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(AGENTS), st.sampled_from((BUSY, REFUSED, NO_ANSWER))),
        max_size=15,
    )
)
def test_given_agents_rung_again_when_the_call_ends_then_all_is_told_as_if_every_ring_were_kept(
    rings: list[Ring],
) -> None:
    told = _end(rings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(party_of_channel, "without_older_rings", lambda call, _: call)
        assert _end(rings) == told
