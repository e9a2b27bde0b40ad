"""An attended transfer makes one call of two: who transfers leaves, the other two are connected.

Pure. The PBX gives the channels of one call the Linkedid of the other only some events later, so
the transfer itself says it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bridge.calls import pbx_events as ev
from bridge.calls.final_record import conclude
from bridge.calls.legs import leg_index, set_leg
from bridge.calls.phone_call import Leg, LegPhase, Origin, PhoneCall, Side
from bridge.calls.transition import Result, end


@dataclass(frozen=True, slots=True)
class Merged:
    """`guest` has ended, its parties and channels are those of `host`."""

    host: Result
    guest: Result


def host_and_guest(one: PhoneCall, other: PhoneCall) -> tuple[PhoneCall, PhoneCall]:
    """The call that goes on and the one that joins it: a call of the API goes on, then the older.

    So does the PBX, which keeps the lesser Linkedid.
    """
    host, guest = sorted((one, other), key=lambda x: (x.origin is not Origin.API, x.published_ms))
    return host, guest


def merge(host: PhoneCall, guest: PhoneCall, transfer: ev.Transferred) -> Merged:
    """Both calls after the transfer. The transferee is the source from now on."""
    leaving = (transfer.transferer, transfer.target)
    moving = [x for x in guest.legs if _is_live(x) and x.uniqueid not in leaving]
    legs = list(host.legs)
    for leg in moving:
        legs.append(replace(leg, view_id=f"{len(legs):02d}"))
    sides = {True: Side.SOURCE, False: Side.DESTINATION}
    host = replace(
        host,
        legs=tuple(
            replace(x, side=sides[x.uniqueid == transfer.transferee])
            if _is_live(x) and x.uniqueid not in leaving
            else x
            for x in legs
        ),
        channels={**host.channels, **guest.channels},
        answered_ms=host.answered_ms if host.answered_ms is not None else guest.answered_ms,
    )
    final = replace(conclude(guest, transfer.at_ms), reason=f"joined call {host.id}")
    for leg in moving:
        index = leg_index(guest, leg.uniqueid or "")
        if index is not None:
            gone = replace(leg, phase=LegPhase.GONE, ended_ms=transfer.at_ms)
            guest = set_leg(guest, index, gone)
    return Merged(host=(host, []), guest=end(guest, final))


def _is_live(leg: Leg) -> bool:
    return leg.uniqueid is not None and leg.phase is not LegPhase.GONE
