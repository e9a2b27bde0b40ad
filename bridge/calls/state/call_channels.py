"""The channels of a call as the PBX makes and removes them."""

from __future__ import annotations

from bridge.calls.state.fast_replace import replace
from bridge.calls.state.legs import leg_index
from bridge.calls.state.local_halves import local_half
from bridge.calls.state.pbx_events import ChannelSnapshot
from bridge.calls.state.phone_call import CallChannel, LegPhase, PhoneCall


def with_channel(call: PhoneCall, snapshot: ChannelSnapshot, at_ms: int) -> PhoneCall:
    """The call with that channel, unless its party is gone already."""
    if snapshot.uniqueid in call.channels:
        return call
    index = leg_index(call, snapshot.uniqueid)
    if index is not None and call.legs[index].phase is LegPhase.GONE:
        return call
    channel = CallChannel(
        snapshot.uniqueid,
        snapshot.endpoint,
        snapshot.state,
        at_ms,
        local=local_half(snapshot.name),
    )
    return replace(call, channels={**call.channels, snapshot.uniqueid: channel})


def without_channel(call: PhoneCall, uniqueid: str) -> PhoneCall:
    """The call after that channel is gone."""
    return replace(call, channels={k: v for k, v in call.channels.items() if k != uniqueid})
