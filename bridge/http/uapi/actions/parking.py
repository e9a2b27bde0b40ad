"""Park (docs/reference/uapi.md §1.5)."""

from __future__ import annotations

from bridge.calls.state.phone_call import PhoneCall
from bridge.http.uapi.actions.each_call import of_each
from bridge.http.uapi.actions.request import ActionRequest

IN_PARKING_DEFAULT_S, IN_PARKING_MIN_S, IN_PARKING_MAX_S = 180, 1, 3600


async def park(request: ActionRequest) -> list[PhoneCall]:
    """The party of the view parks the other. Raises 400 pc_parking_invalid."""
    at_most_s = request.whole_number(
        "maxInParking",
        "pc_parking_invalid",
        IN_PARKING_DEFAULT_S,
        IN_PARKING_MIN_S,
        IN_PARKING_MAX_S,
    )
    parking = request.node.steering.parking
    return await of_each(request, lambda call, leg: parking.park(call.id, leg.view_id, at_most_s))
