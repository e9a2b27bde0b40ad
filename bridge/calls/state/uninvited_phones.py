"""A second wall against forwards of phones: finds phones that ring in an API call and are not its
parties.

The dialplan ignores the 302 of a phone, so that no other phone rings for it. On a changed PBX a way
round may be open. The phone that rings then has a channel in the call that no party announced. Its
first event shows it.

Pure. Asked of live events only: after missed ones the call may be further on than it seems.
"""

from __future__ import annotations

import re

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.effects import Result, UninvitedPhone
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.phone_call import CallChannel, Leg, Origin, PhoneCall, Side, fork_channel_id

# Such a dial string makes one channel of that endpoint. Behind a Local channel is dialplan, which
# may ring any phone. With other technologies the names of channels differ from dial strings.
_PLAIN = re.compile(r"PJSIP/(?:[^/@]+@)?([^/@]+)\Z")


def is_uninvited(call: PhoneCall, event: ev.ChannelAppeared | ev.DialBegun) -> bool:
    """Whether the channel that the event tells of must not be in the call, as it was before."""
    if call.origin is not Origin.API:
        return False
    if isinstance(event, ev.ChannelAppeared):
        return _appears_uninvited(call, event.channel)
    known = call.channels.get(event.dialled.uniqueid)
    return (known is not None and known.uninvited) or _is_dialled_uninvited(call, event)


def _appears_uninvited(call: PhoneCall, channel: ev.ChannelSnapshot) -> bool:
    """While the sources ring nobody else does."""
    if not _sources_ring(call) or _is_own(call, channel.uniqueid):
        return False
    endpoints = _endpoints(_of(call, Side.SOURCE))
    return endpoints is not None and channel.endpoint not in endpoints


def _is_dialled_uninvited(call: PhoneCall, event: ev.DialBegun) -> bool:
    if _is_own(call, event.dialled.uniqueid):
        return False
    if event.caller in (None, fork_channel_id(call.id)) and _sources_ring(call):
        dialled = event.dial_string
        if call.all_devices:
            dialled = dialled.partition("/")[0]  # 0003*210/sip:210@192.0.2.1
        return _is_none_of(_of(call, Side.SOURCE), dialled)
    return False


def _sources_ring(call: PhoneCall) -> bool:
    root = call.channels.get(call.id)
    if root is not None and root.state is ev.ChannelState.UP:
        return False
    return all(x.answered_ms is None for x in call.legs)


def _is_own(call: PhoneCall, uniqueid: str) -> bool:
    return uniqueid in (call.id, fork_channel_id(call.id)) or any(
        x.uniqueid == uniqueid for x in call.legs
    )


def _of(call: PhoneCall, side: Side) -> list[Leg]:
    return [x for x in call.legs if x.side is side and x.dial]


def _endpoints(legs: list[Leg]) -> set[str] | None:
    """Those that dialling these rings; None where that is not known of one of them."""
    found = [_PLAIN.match(x.dial) for x in legs]
    if not legs:
        return None
    return {f"PJSIP/{x[1]}" for x in found if x} if all(found) else None


def _is_none_of(legs: list[Leg], dial_string: str) -> bool:
    if _endpoints(legs) is None:
        return False
    return all(x.dial.partition("/")[2] != dial_string for x in legs)


def with_uninvited(call: PhoneCall, event: ev.ChannelAppeared | ev.DialBegun) -> Result:
    """The call with a channel that must not be in it: no party, and to be hung up at once."""
    channel = event.channel if isinstance(event, ev.ChannelAppeared) else event.dialled
    if call.final is not None:
        return call, []
    known = call.channels.get(channel.uniqueid)
    if known is not None and known.uninvited:
        return call, []
    marked = CallChannel(
        channel.uniqueid, channel.endpoint, channel.state, event.at_ms, uninvited=True
    )
    call = replace(call, channels={**call.channels, channel.uniqueid: marked})
    return call, [UninvitedPhone(channel.uniqueid, channel.endpoint)]
