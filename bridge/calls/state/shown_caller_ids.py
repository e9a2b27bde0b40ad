"""Which caller id a dialled phone shows: that of the channel which dials it, at that moment.

A dialplan may have changed it since that channel appeared. Examples are a name looked up, an
international number, the number of the company towards a trunk. Whether the presentation is
prohibited is in no event of AMI: such a number is told although the phone does not show it.
"""

from __future__ import annotations

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.effects import Effect, LegProgressed
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.phone_call import Leg, Origin, PhoneCall, Side
from bridge.directory.caller_ids import CallerId


def of_no_extension(number: str) -> str:
    """The number shown by a caller without an extension; the caller wrote it.

    Extended numbers (0003*212) belong to extensions; of such a text only the digits stay.
    """
    return "".join(x for x in number if x in "+0123456789") if "*" in number else number


def with_shown_caller_id(
    call: PhoneCall, effects: list[Effect], event: ev.DialBegun
) -> tuple[PhoneCall, list[Effect]]:
    """The call, and `effects` of it, with what the called party is shown that was just dialled.

    The sources of a call of the API are shown what was ordered.
    """
    if event.caller is None:
        return call, effects
    uniqueid = event.dialled.uniqueid
    for index, leg in enumerate(call.legs):
        if leg.uniqueid != uniqueid or leg.side is Side.SOURCE:
            continue
        shown = _shown(call, event)
        if shown != leg.shown_caller_id:
            leg = replace(leg, shown_caller_id=shown)
            call = replace(call, legs=(*call.legs[:index], leg, *call.legs[index + 1 :]))
            effects = [_of(leg, x) for x in effects]
    return call, effects


def _shown(call: PhoneCall, event: ev.DialBegun) -> CallerId:
    number = event.caller_number
    if call.origin is Origin.TRUNK:
        number = of_no_extension(number)
    return CallerId(event.caller_name, number)


def _of(leg: Leg, effect: Effect) -> Effect:
    if isinstance(effect, LegProgressed) and effect.leg.view_id == leg.view_id:
        return LegProgressed(effect.at_ms, effect.step, leg)
    return effect
