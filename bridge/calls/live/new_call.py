"""A call that was not placed by the API, made of the first channel that is heard of."""

from __future__ import annotations

import re

from bridge.calls.state.local_halves import local_half
from bridge.calls.state.party_lookup import PartyLookup
from bridge.calls.state.pbx_events import ChannelSnapshot, ChannelState
from bridge.calls.state.phone_call import Flow, Origin, PhoneCall, derived_call_id

_API_CALL_ID = re.compile(r"[0-9a-f]{20}\Z")


def new_call(
    pbx: str, linkedid: str, channel: ChannelSnapshot, at_ms: int, parties: PartyLookup
) -> PhoneCall:
    """The call with that Linkedid on that PBX, published at `at_ms`, without legs and channels.

    `channel`: its first one; that one's endpoint and state say who began the call.
    """
    known = parties.by_endpoint(channel.endpoint)
    # An id of our own form keeps its id, so that storage can tell whose it is.
    ours = _API_CALL_ID.match(linkedid)
    # A phone or a trunk that calls rings at once.
    down = channel.state is ChannelState.DOWN or local_half(channel.name) != ""
    originated = channel.uniqueid == linkedid and down
    by_phone = known is not None or originated
    return PhoneCall(
        id=linkedid if ours else derived_call_id(pbx, linkedid),
        pbx=pbx,
        linkedid=linkedid,
        origin=Origin.PHONE if by_phone else Origin.TRUNK,
        flow=Flow.LOCAL if by_phone else Flow.INCOMING,
        published_ms=at_ms,
        originated=originated,
    )


def has_our_id(call: PhoneCall) -> bool:
    """Whether its first channel was named by a Create, though no call of ours is known."""
    return call.id == call.linkedid and call.origin is not Origin.API
