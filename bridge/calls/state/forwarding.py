"""A phone that answers a call with the number of somebody else (SIP 3xx)."""

from __future__ import annotations

from bridge.calls.state.fast_replace import replace
from bridge.calls.state.hangup_causes import REDIRECTED
from bridge.calls.state.pbx_events import DialStatus
from bridge.calls.state.phone_call import Leg

REDIRECTIONS = range(300, 400)
"""SIP status of a phone that names somebody else."""
_MOVED_TEMPORARILY = 302


def forwarding(leg: Leg) -> Leg:
    """A phone that answers a call with the number of somebody else is busy: nobody is dialled.

    Asterisk tells cause and SIP status or, where it drops the channel before it has noted them,
    neither.
    """
    return replace(
        leg,
        forwards=True,
        dial_status=DialStatus.BUSY,
        cause=leg.cause or REDIRECTED,
        sip_code=leg.sip_code or _MOVED_TEMPORARILY,
    )
