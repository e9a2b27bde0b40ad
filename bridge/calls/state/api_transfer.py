"""A party that an app transfers from one party of its call to a target.

The PBX tells nothing of it beforehand, as it does of a transfer by a phone. So the call changes
before the PBX is asked, and changes back if the PBX refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bridge.calls.state import pbx_events as ev
from bridge.calls.state.fast_replace import replace
from bridge.calls.state.handing_over import hand_over
from bridge.calls.state.legs import next_view_id, set_leg
from bridge.calls.state.phone_call import Leg, LegPhase, PhoneCall, Side


def with_transfer(
    call: PhoneCall, view_id: str, number: str, target: Leg | None = None
) -> PhoneCall:
    """The call that the party of that view hands over to `number`.

    `target`: the party that is dialled there; None where nobody is, as in a mailbox.
    """
    call = hand_over(call, view_id, number)
    return call if target is None else replace(call, legs=(*call.legs, target))


def target_leg(call: PhoneCall, number: str, spelled: str, dial: str, extension: str | None) -> Leg:
    """The party that is dialled next, as a destination of the call."""
    return Leg(
        view_id=next_view_id(call),
        side=Side.DESTINATION,
        number=number,
        spelled=spelled,
        dial=dial,
        extension=extension,
    )


def without_transfer(call: PhoneCall, before: PhoneCall) -> PhoneCall:
    """The call after the PBX did not do it; `before`: as it was then."""
    known = {x.view_id: x for x in before.legs}
    legs = tuple(
        _as_before(x, known[x.view_id]) if x.view_id in known else x
        for x in call.legs
        if x.view_id in known or x.uniqueid is not None
    )
    return replace(
        call,
        legs=legs,
        dialled=before.dialled,
        left_service=before.left_service,
        local_transfers_only=before.local_transfers_only,
    )


def _as_before(leg: Leg, before: Leg) -> Leg:
    hold = before.api_hold if leg.phase is not LegPhase.GONE else None
    return replace(
        leg,
        side=before.side,
        took_over=before.took_over,
        handed_over=before.handed_over,
        api_hold=hold,
    )


def dialled_since(call: PhoneCall, before: PhoneCall) -> list[Leg]:
    """The parties that have been dialled since `before`, in this order."""
    known = {x.view_id for x in before.legs}
    return [x for x in call.legs if x.view_id not in known and x.uniqueid is not None]


def without_transfers_not_done(
    call: PhoneCall, alive: Mapping[str, ev.ChannelSnapshot]
) -> PhoneCall:
    """The call as the PBX shows it after events were missed. A party that has handed the call over
    and still talks to another party has not, because the PBX did not do it.

    `alive`: the channels of the call on the PBX, by uniqueid.
    """
    for index, leg in enumerate(call.legs):
        if leg.handed_over and leg.phase is LegPhase.UP and _talks(leg, alive):
            was_source = leg.side is Side.SOURCE
            call = set_leg(call, index, replace(leg, handed_over=False))
            call = replace(call, legs=tuple(_not_transferred(call, was_source=was_source)))
    return call


def _talks(leg: Leg, alive: Mapping[str, ev.ChannelSnapshot]) -> bool:
    own = alive.get(leg.uniqueid or "")
    if own is None or not own.bridge:
        return False
    return any(x.bridge == own.bridge for x in alive.values() if x is not own)


def _not_transferred(call: PhoneCall, *, was_source: bool) -> Iterator[Leg]:
    """The parties without the target, which was not dialled, and with the sides as before."""
    last = call.legs[-1]
    for leg in call.legs:
        if leg is last and leg.dial and leg.phase is LegPhase.WAITING:
            continue
        back = was_source and leg.took_over
        yield replace(leg, side=Side.DESTINATION, took_over=False) if back else leg
