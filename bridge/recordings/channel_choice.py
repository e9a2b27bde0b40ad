"""Which channel of a call is recorded: the one that is likely to live longest."""

from __future__ import annotations

from bridge.calls.state.pbx_events import ChannelState
from bridge.calls.state.phone_call import Origin, PhoneCall, Side
from bridge.recordings.conversation import Mute
from bridge.recordings.recording_pbx import AudioDirection


def channel_to_record(call: PhoneCall) -> str | None:
    """Its Uniqueid; None where nobody has picked up.

    The first channel (in an API call, the channel with the call's id) stays for the whole call,
    unless its phone transfers the other side. Then any other channel that is up.
    """
    up = [
        x
        for x in call.channels.values()
        if x.state is ChannelState.UP and not has_handed_over(call, x.uniqueid)
    ]
    root = call.id if call.origin is Origin.API else call.linkedid
    # The Local channel of an app's call stays; one of somebody else's Originate may not.
    stays = [x for x in up if x.uniqueid == root and (call.origin is Origin.API or not x.local)]
    if stays:
        return root
    # A phone is better than half a Local channel, which the PBX may optimize away.
    up.sort(key=lambda x: (x.endpoint.startswith("Local/"), x.appeared_ms, x.uniqueid))
    return up[0].uniqueid if up else None


def has_handed_over(call: PhoneCall, channel: str) -> bool:
    """Whether the phone on that channel has transferred or parked the others, and hears nobody."""
    return any(x.handed_over and x.uniqueid == channel for x in call.legs)


def has_moved(call: PhoneCall, channel: str) -> bool:
    """Whether the party on that channel is one of another call now."""
    return any(x.moved and x.uniqueid == channel for x in call.legs)


def muted_directions(call: PhoneCall, channel: str, mute: Mute) -> dict[AudioDirection, bool]:
    """The directions of the recorded channel that carry the silent sides."""
    leg = next((x for x in call.legs if x.uniqueid == channel), None)
    near_is_source = leg is None or leg.side is Side.SOURCE
    near, far = Mute.SOURCE, Mute.DESTINATION
    if not near_is_source:
        near, far = far, near
    return {
        AudioDirection.FROM_CHANNEL: bool(mute & near),
        AudioDirection.TO_CHANNEL: bool(mute & far),
    }
