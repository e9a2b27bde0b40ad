"""Hypothesis strategies: what a PBX might say, truthfully or not."""

from __future__ import annotations

import functools
from typing import NamedTuple

from hypothesis import strategies as st

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.phone_call import PhoneCall

from .replaying import STORIES, accepted_call, directory_of, recorded, typed

API_ID = "00000000000000000abc"
UNIQUEIDS = [API_ID, f"{API_ID};2", "100.1", "100.2", "100.3", "100.4"]
# Also those of recorded streams, so that synthetic events hit their calls.
NOW_MS = 1_800_000_000_000
ENDPOINTS = ["PJSIP/0003*210", "PJSIP/0003*211", "PJSIP/0004*210", "PJSIP/trunk", "Local/x@y", ""]

uniqueids = st.sampled_from(UNIQUEIDS)
moments = st.integers(NOW_MS - 10_000, NOW_MS)

channels = st.builds(
    ev.ChannelSnapshot,
    uniqueid=uniqueids,
    linkedid=uniqueids,
    name=st.sampled_from(ENDPOINTS).map(lambda endpoint: f"{endpoint}-00000001"),
    endpoint=st.sampled_from(ENDPOINTS),
    state=st.sampled_from(ev.ChannelState),
    caller_number=st.sampled_from(["", "3235550100"]),
    exten=st.sampled_from(["", "0003*211"]),
)


@st.composite
def _appeared(draw: st.DrawFn) -> ev.PbxEvent:
    channel = draw(channels)
    return ev.ChannelAppeared(draw(moments), channel.uniqueid, channel.linkedid, channel)


_CHANNEL_EVENT = {"at_ms": moments, "uniqueid": uniqueids, "linkedid": uniqueids}
_CAUSES = st.sampled_from([0, 1, 3, 16, 17, 19, 21, 26, 34, 127])

synthetic = st.one_of(
    _appeared(),
    st.builds(ev.ChannelStateChanged, state=st.sampled_from(ev.ChannelState), **_CHANNEL_EVENT),
    st.builds(
        ev.DialBegun,
        at_ms=moments,
        caller=st.none() | uniqueids,
        dialled=channels,
        dial_string=st.sampled_from(["0003*210", "0003*211", "3235550200@trunk", ""]),
        caller_exten=st.sampled_from(["", "s", "300"]),
        by_queue=st.booleans(),
    ),
    st.builds(
        ev.DialEnded,
        at_ms=moments,
        caller=st.none() | uniqueids,
        dialled_uniqueid=uniqueids,
        linkedid=uniqueids,
        status=st.sampled_from(ev.DialStatus),
        caller_exten=st.sampled_from(["", "s", "300", "0003*400", "00"]),
    ),
    st.builds(ev.DialProgressed, at_ms=moments, dialled_uniqueid=uniqueids, linkedid=uniqueids),
    st.builds(
        ev.OriginateEnded,
        at_ms=moments,
        call_id=uniqueids,
        succeeded=st.booleans(),
        reason=st.integers(0, 8),
    ),
    st.builds(ev.HangupRequested, cause=_CAUSES, **_CHANNEL_EVENT),
    st.builds(ev.ChannelHungUp, cause=_CAUSES, sip_code=st.none(), **_CHANNEL_EVENT),
    st.builds(
        ev.ChannelBridged,
        state=st.sampled_from(ev.ChannelState),
        bridge=st.sampled_from(["bridge 1", "bridge 2"]),
        **_CHANNEL_EVENT,
    ),
    st.builds(ev.ChannelParked, slot=st.sampled_from(["", "701"]), **_CHANNEL_EVENT),
    st.builds(ev.QueueLeft, exten=st.sampled_from(["", "s", "300", "00"]), **_CHANNEL_EVENT),
    st.builds(
        ev.ChannelRuns,
        application=st.sampled_from(["", "Echo", "VoiceMail", "Dial"]),
        data=st.sampled_from(["", "211@default,u", "0003*211"]),
        exten=st.sampled_from(["", "s", "00", "0003*400"]),
        context=st.sampled_from(["phones", "uapi-transfer"]),
        **_CHANNEL_EVENT,
    ),
    st.builds(ev.MailboxReached, mailbox=st.sampled_from(["0003*211", ""]), **_CHANNEL_EVENT),
    st.builds(ev.HoldBegun, **_CHANNEL_EVENT),
    st.builds(ev.HoldEnded, **_CHANNEL_EVENT),
    st.builds(
        ev.Transferred,
        at_ms=moments,
        attended=st.booleans(),
        transferer=uniqueids,
        transferer_linkedid=uniqueids,
        transferee=uniqueids,
        target=uniqueids,
        succeeded=st.booleans(),
        target_linkedid=uniqueids,
    ),
    st.builds(ev.PhoneReachability, at_ms=moments, endpoint=st.just(""), reachable=st.booleans()),
)


@functools.cache
def told(story: str) -> tuple[tuple[PhoneCall, ...], tuple[ev.PbxEvent, ...]]:
    """The calls that apps created in a recorded story, and its events."""
    lines = recorded(story)
    current = directory_of(story)
    created = [accepted_call(x, current) for x in lines if "PublishedMs" in x.headers]
    return tuple(created), tuple(typed(lines))


class Stream(NamedTuple):
    """`story`: one of the stories that it was made of; the others are of the same PBX.
    `seen`: every channel that was ever there."""

    story: str
    created: list[PhoneCall]
    events: list[ev.PbxEvent]
    seen: list[ev.ChannelSnapshot]


@st.composite
def damaged_streams(draw: st.DrawFn) -> Stream:
    """Created calls; events of two real stories, mixed, with some lost, repeated, out of order and
    invented."""
    story = draw(st.sampled_from(STORIES))
    others = [x for x in STORIES if x != story and directory_of(x) is directory_of(story)]
    chosen = [story, *(draw(st.lists(st.sampled_from(others), max_size=1)) if others else [])]
    created = [call for story in chosen for call in told(story)[0]]
    real = [event for story in chosen for event in told(story)[1]]
    events = draw(st.lists(st.sampled_from(real), max_size=10)) if draw(st.booleans()) else []
    kept = [
        event
        for event, fate in zip(
            real,
            draw(st.lists(st.integers(0, 9), min_size=len(real), max_size=len(real))),
            strict=True,
        )
        for _ in range({0: 0, 1: 2}.get(fate, 1))
    ]
    for event in [*events, *draw(st.lists(synthetic, max_size=5))]:
        kept.insert(draw(st.integers(0, len(kept))), event)
    if draw(st.booleans()):
        kept = draw(st.permutations(kept))
    seen = [x.channel for x in real if isinstance(x, ev.ChannelAppeared)]
    return Stream(story, created, kept, seen)
