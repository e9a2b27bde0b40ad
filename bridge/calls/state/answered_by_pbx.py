"""A caller that the PBX itself answers, after no dialled party has answered.

Voicemail, an announcement or an echo answers for nobody: the call is up, and nobody was reached.
Pure. If the PBX answers before it dials anybody (a queue, an IVR), that answers the call.
"""

from __future__ import annotations

from bridge.calls.state.effects import Result
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.legs import adopt
from bridge.calls.state.party_lookup import PartyLookup
from bridge.calls.state.pbx_events import ChannelState, DialStatus, MailboxReached
from bridge.calls.state.phone_call import Leg, LegPhase, PhoneCall, Side

_BEING_DIALLED = (None, DialStatus.ANSWER)


def mailbox_reached(call: PhoneCall, event: MailboxReached, parties: PartyLookup) -> Result:
    """The mailbox of an extension has a caller of the call."""
    known = event.uniqueid in call.channels
    return (with_mailbox(call, event.mailbox, event.at_ms, parties) if known else call), []


def with_mailbox(call: PhoneCall, mailbox: str, at_ms: int, parties: PartyLookup) -> PhoneCall:
    """The call, taken by the mailbox of an extension.

    That extension may never have been dialled: no phone of it is registered, or the caller talked
    to somebody before, who has transferred it there.
    """
    if call.mailbox == mailbox:
        return call
    call = adopt(call, parties.by_number(mailbox))
    taken_ms = call.taken_ms if call.answered_ms is None else None
    return replace(call, taken_ms=taken_ms or at_ms, mailbox=mailbox)


def with_pbx_on_the_line(call: PhoneCall, at_ms: int) -> PhoneCall:
    """The call, taken by the PBX if it is that by now; once taken it stays so.

    A caller's channel tells: it comes up when something answers it. A source that was rung is up
    before anybody is dialled; then the half of a Local channel tells that is dialled for it.
    """
    if call.taken_ms is not None or call.answered_ms is not None:
        return call
    source_is_up = calls_in = dialled = False
    for leg in call.legs:
        if leg.side is Side.SOURCE:
            if leg.phase is LegPhase.UP:
                source_is_up = True
                calls_in = calls_in or leg.calls_in
        elif leg.uniqueid is not None:
            if is_being_dialled(leg):
                return call
            dialled = True
    on_the_line = source_is_up and dialled and (calls_in or _half_is_up(call))
    return replace(call, taken_ms=at_ms) if on_the_line else call


def is_being_dialled(leg: Leg) -> bool:
    """False once the dial to this party has ended, which its channel may outlive by a moment, and
    its party where another carrier may follow."""
    return leg.phase is not LegPhase.GONE and leg.dial_status in _BEING_DIALLED


def _half_is_up(call: PhoneCall) -> bool:
    return any(
        x.local and x.dialled_by is not None and x.state is ChannelState.UP
        for x in call.channels.values()
    )
