"""Questions to the PBX about a party that talks to nobody else.

Events tell who dials and who talks to whom. Only Newexten tells that a mailbox, an echo or an
announcement has a caller, and it costs too much for every call (docs/how-fast.md). So the PBX is
asked about such a call, and about no other. Its answer comes as an event.
"""

from __future__ import annotations

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.answered_by_pbx import is_being_dialled, with_mailbox
from bridge.calls.state.call_progress import connect
from bridge.calls.state.effects import AskChannel, Effect, Result
from bridge.calls.state.legs import with_source
from bridge.calls.state.local_halves import other_half
from bridge.calls.state.moved_on import goes_to
from bridge.calls.state.party_lookup import PartyLookup
from bridge.calls.state.phone_call import Leg, LegPhase, PhoneCall, Side

_VOICEMAIL = "VoiceMail"
_TALKS = ("", "Dial", "AppDial", "AppDial2", "AppQueue", "Bridge", "BridgeWait", "ConfBridge")
"""Applications by which a party talks to others, or that events tell of."""
_OUR_CONTEXTS = ("uapi-", "bridge-")


def questions(before: PhoneCall, after: PhoneCall, event: ev.PbxEvent) -> list[Effect]:
    """The questions that follow from this change of the call."""
    if after.mailbox is not None or after.hang_up is not None:
        return []
    if after.taken_ms is not None and before.taken_ms is None:
        return [AskChannel(x) for x in _taken_channels(after)]
    if after.answered_ms is not None and before.answered_ms is None:
        return [AskChannel(x) for x in _on_a_service(after)]
    if isinstance(event, ev.ChannelHungUp):
        if _nobody_is_dialled_any_more(after):
            return [AskChannel(after.first_channel)]
        leg = _left_alone(after)
        if leg is not None and leg.uniqueid is not None and _left_alone(before) is None:
            return [AskChannel(leg.uniqueid)]
    return []


def channel_runs(call: PhoneCall, event: ev.ChannelRuns, parties: PartyLookup) -> Result:
    """The PBX says what a channel of the call does, as it was asked."""
    if event.uniqueid not in call.channels or call.mailbox is not None:
        return call, []
    if event.application == _VOICEMAIL:
        box = event.data.partition(",")[0].partition("&")[0].partition("@")[0]
        known = parties.by_number(f"{call.organization}*{box}")
        mailbox = known.extension if known is not None else box
        return with_mailbox(call, mailbox, event.at_ms, parties), []
    leg = _left_alone(call)
    if leg is None or leg.uniqueid != event.uniqueid or not is_with_pbx(event):
        return call, []
    if any(x.handed_over for x in call.legs):
        return call, []  # by a transfer, whose target is known
    call, effects = goes_to(call, event.uniqueid, event.exten, event.at_ms, parties)
    call, connected = connect(with_source(call, ()), event.at_ms)
    return call, [*effects, *connected]


def is_with_pbx(event: ev.ChannelRuns) -> bool:
    """Whether the channel talks to the PBX itself, and no action of ours has brought it there."""
    ours = event.context.startswith(_OUR_CONTEXTS)
    return event.application not in _TALKS and not ours


def _taken_channels(call: PhoneCall) -> list[str]:
    """The caller's channel; else, of one that was rung itself, the half that answers it."""
    callers = [x for x in call.legs if x.side is Side.SOURCE and x.phase is LegPhase.UP]
    own = [x.uniqueid for x in callers if x.calls_in and x.uniqueid is not None]
    if own:
        return own[:1]
    halves = [
        other_half(call, x.uniqueid)
        for x in call.channels.values()
        if x.local and x.dialled_by is not None and x.state is ev.ChannelState.UP
    ]
    return [x.uniqueid for x in halves if x is not None][:1]


def _nobody_is_dialled_any_more(call: PhoneCall) -> bool:
    """Of an Originate of others: its source waits, and all who were dialled for it have gone. Its
    first channel is up since the pick-up, so no event tells that the PBX answers it."""
    if not call.originated or call.answered_ms is not None or call.first_to_hang_up is not None:
        return False
    if call.first_channel not in call.channels:
        return False
    dialled = [x for x in call.legs if x.side is Side.DESTINATION]
    waits = any(x.side is Side.SOURCE and x.phase is LegPhase.UP for x in call.legs)
    return waits and bool(dialled) and not any(is_being_dialled(x) for x in dialled)


def _on_a_service(call: PhoneCall) -> list[str]:
    """The channel of a phone that talks to the PBX from the beginning, and to no service that the
    directory names."""
    if call.called_service is not None or call.acts_on is not None:
        return []
    if any(x.side is Side.DESTINATION or not x.calls_in for x in call.legs):
        return []
    return [x.uniqueid for x in call.legs if x.uniqueid in call.channels and x.uniqueid][:1]


def _left_alone(call: PhoneCall) -> Leg | None:
    """The only party that is left of a talk, while nobody has ended that."""
    if call.first_to_hang_up is not None or call.final is not None:
        return None
    if call.answered_ms is None and call.split_from is None:
        return None
    living = [
        x
        for x in call.legs
        if LegPhase.WAITING < x.phase < LegPhase.GONE and not x.handed_over and not x.members
    ]
    if len(living) != 1 or living[0].uniqueid not in call.channels:
        return None
    leg = living[0]
    if leg.phase is not LegPhase.UP or leg.parking is not None or leg.api_hold is not None:
        return None
    if call.channels[leg.uniqueid or ""].local:
        return None
    talked = any(x is not leg and x.answered_ms is not None for x in call.legs)
    return leg if talked or call.split_from is not None else None
