"""Calls that an Originate of somebody else began: an AMI client, the console, a call file.

The PBX rings the source first. Its pick-up does not answer the call. The number it calls is known
when the dialplan dials, or when the result of the Originate says so; its dial-out is told then.
(docs/parties.md)
"""

from __future__ import annotations

from bridge.calls.state.dialled_numbers import asked_number
from bridge.calls.state.effects import CallConnected, Effect, LegProgressed, LegStep
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.hangup_causes import NO_ANSWER
from bridge.calls.state.legs import calls_service, dialled_service
from bridge.calls.state.party_lookup import PartyLookup
from bridge.calls.state.pbx_events import DialStatus
from bridge.calls.state.phone_call import Leg, LegPhase, PhoneCall, Side


def goes_out(
    call: PhoneCall, at_ms: int, dialled: str, parties: PartyLookup
) -> tuple[PhoneCall, list[Effect]]:
    """The call once it is known whom its source calls, `dialled` where that is a number."""
    if not call.originated:
        return call, []
    number = asked_number(dialled)
    if number and not call.dialled:
        call = _with_number(call, number, parties)
    sources = [x for x in call.legs if x.side is Side.SOURCE and x.uniqueid is not None]
    if call.went_out or not sources:
        return call, []
    effects: list[Effect] = [LegProgressed(at_ms, LegStep.DIALLED, x) for x in sources]
    return replace(call, went_out=True), effects


def gives_up(
    call: PhoneCall, index: int, at_ms: int, parties: PartyLookup
) -> tuple[PhoneCall, list[Effect]]:
    """The last source that rang or was up leaves, before it was known whom it calls."""
    others = (x for at, x in enumerate(call.legs) if at != index and x.phase is not LegPhase.GONE)
    if call.legs[index].side is not Side.SOURCE or any(x.side is Side.SOURCE for x in others):
        return call, []
    return goes_out(call, at_ms, "", parties)


def rang_out(call: PhoneCall, leg: Leg) -> Leg:
    """A source that left while it rang, without a cause: its time to ring was over.

    Versions before 20.18 and 22.8 give no cause for that.
    """
    rang = call.originated and leg.side is Side.SOURCE and leg.ringing_ms is not None
    if not rang or leg.answered_ms is not None or leg.cause or leg.dial_status is not None:
        return leg
    return replace(leg, dial_status=DialStatus.NOANSWER, cause=NO_ANSWER)


def without_dial_out(call: PhoneCall, effects: list[Effect]) -> list[Effect]:
    """The effects of ringing a source whose dial-out is told later."""
    if not call.originated or call.went_out:
        return effects
    return [x for x in effects if not _is_dial_out(x)]


def talks_to_application(call: PhoneCall) -> bool:
    """Whether the source, once it is up, talks to an application of the Originate or a service."""
    return bool(call.application) or call.called_service is not None


def talked_to_pbx(call: PhoneCall, at_ms: int) -> tuple[PhoneCall, list[Effect]]:
    """At its end: the source was up, and nobody was ever dialled for it."""
    if not call.originated or call.answered_ms is not None:
        return call, []
    answered = [x.answered_ms for x in call.legs if x.answered_ms is not None]
    if not answered or any(x.side is Side.DESTINATION for x in call.legs):
        return call, []
    return replace(call, answered_ms=max(min(answered), call.ringing_ms or 0)), [
        CallConnected(at_ms)
    ]


def _with_number(call: PhoneCall, dialled: str, parties: PartyLookup) -> PhoneCall:
    call = replace(call, dialled=dialled)
    source = next((x for x in call.legs if x.extension is not None), None)
    caller = parties.by_number(source.extension) if source and source.extension else None
    service = dialled_service(dialled, caller, parties)
    if service is None:
        return call
    return calls_service(call, service)


def _is_dial_out(effect: Effect) -> bool:
    if not isinstance(effect, LegProgressed) or effect.step is not LegStep.DIALLED:
        return False
    return effect.leg.side is Side.SOURCE and effect.leg.phase < LegPhase.GONE
