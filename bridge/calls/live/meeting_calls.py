"""Which events say that people of two calls talk to each other, so that the two are one.

docs/joined-calls.md has the stories. A Linkedid that changes says it too, but late: the tracker
looks at that with every event of a channel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bridge.calls.live.bridges import Bridges
from bridge.calls.live.call_index import CallIndex
from bridge.calls.state import pbx_events as ev
from bridge.calls.state.joining import leaving_phone
from bridge.calls.state.phone_call import PhoneCall

TELL_OF_MEETINGS = frozenset({ev.ChannelBridged, ev.ChannelHungUp, ev.DialEnded, ev.Transferred})
"""The kinds of events that `meetings` looks at."""


class Meeting(NamedTuple):
    """`leaving`: uniqueids of the phone that brings the two together and is about to go."""

    one: PhoneCall
    other: PhoneCall
    leaving: tuple[str, ...] = ()


def meetings(event: ev.PbxEvent, live: CallIndex, bridges: Bridges) -> Iterator[Meeting]:
    """The calls that become one by this event, each pair as it is once those before it are joined.

    `bridges` is kept current with it.
    """
    if isinstance(event, ev.ChannelBridged):
        yield from _in_one_bridge(event, live, bridges)
    elif isinstance(event, ev.ChannelHungUp):
        bridges.leave(event.uniqueid)
    elif isinstance(event, ev.DialEnded):
        yield from _picked_up(event, live)
    elif isinstance(event, ev.Transferred) and event.attended and event.succeeded:
        yield from _connected(event, live)


def _picked_up(event: ev.DialEnded, live: CallIndex) -> Iterator[Meeting]:
    """A dial that is answered by the channel of another call: its phone picked this one up.

    Group pick-up, directed pick-up and an INVITE with Replaces of a ringing phone do this. The PBX
    gives both one Linkedid, but shows it only in the last events of the channel.
    """
    if event.status is not ev.DialStatus.ANSWER or event.caller is None:
        return
    rings = live.of_channel(event.caller)
    picks_up = live.of_channel(event.dialled_uniqueid) or live.of_own_linkedid(event.linkedid)
    if rings is not None and picks_up is not None and rings.id != picks_up.id:
        yield Meeting(rings, picks_up)


def _in_one_bridge(
    event: ev.ChannelBridged, live: CallIndex, bridges: Bridges
) -> Iterator[Meeting]:
    """Channels of two calls in one bridge talk to each other, so the calls become one.

    An INVITE with Replaces of a talking phone, the fetching of a parked call and AMI Bridge do
    this. The PBX gives all of them the Linkedid of the oldest. The next event of each shows it; for
    a channel that is not the oldest, that is this event.
    """
    for uniqueid in bridges.enter(event.uniqueid, event.bridge):
        call, there = live.of_channel(event.uniqueid), live.of_channel(uniqueid)
        if call is not None and there is not None and call.id != there.id:
            yield Meeting(there, call, leaving_phone(there, call, event.uniqueid))


def _connected(event: ev.Transferred, live: CallIndex) -> Iterator[Meeting]:
    """An attended transfer: one of the phone's two calls goes on with both far ends."""
    first = live.of_channel(event.transferer) or live.of_own_linkedid(event.transferer_linkedid)
    second = live.of_channel(event.target) or live.of_own_linkedid(event.target_linkedid)
    if first is not None and second is not None and first.id != second.id:
        yield Meeting(first, second, (event.transferer, event.target))
