"""Which channel of a call is recorded: the one that is likely to live longest."""

from __future__ import annotations

from bridge.calls.pbx_events import ChannelState
from bridge.calls.phone_call import Origin, PhoneCall, Side
from bridge.recordings.conversation import Mute
from bridge.recordings.recording_pbx import AudioDirection


def channel_to_record(call: PhoneCall) -> str | None:
    """Its Uniqueid; None where nobody has picked up.

    The first channel of the call (of an API call the one with its id) stays as long as the call
    does, unless its phone transfers the other side; then any other channel that is up.
    """
    up = [x for x in call.channels.values() if x.state is ChannelState.UP]
    root = call.id if call.origin is Origin.API else call.linkedid
    if any(x.uniqueid == root for x in up):
        return root
    # A phone is better than half a Local channel, which the PBX may optimize away.
    up.sort(key=lambda x: (x.endpoint.startswith("Local/"), x.appeared_ms, x.uniqueid))
    return up[0].uniqueid if up else None


def muted_directions(call: PhoneCall, channel: str, mute: Mute) -> dict[AudioDirection, bool]:
    """What the sides that are to be silent are, seen from the recorded channel."""
    leg = next((x for x in call.legs if x.uniqueid == channel), None)
    near_is_source = leg is None or leg.side is Side.SOURCE
    near, far = Mute.SOURCE, Mute.DESTINATION
    if not near_is_source:
        near, far = far, near
    return {
        AudioDirection.FROM_CHANNEL: bool(mute & near),
        AudioDirection.TO_CHANNEL: bool(mute & far),
    }
