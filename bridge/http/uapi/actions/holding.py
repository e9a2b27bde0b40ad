"""OnHold, OffHold (docs/reference/uapi.md §1.5)."""

from __future__ import annotations

from bridge.calls.state.phone_call import PhoneCall
from bridge.http.uapi.actions.each_call import of_each
from bridge.http.uapi.actions.request import ActionRequest


async def on_hold(request: ActionRequest) -> list[PhoneCall]:
    """The party of the view holds the other, which hears music."""
    holding = request.node.steering.holding
    return await of_each(request, lambda call, leg: holding.hold(call.id, leg.view_id))


async def off_hold(request: ActionRequest) -> list[PhoneCall]:
    """The party of the view takes the other back."""
    holding = request.node.steering.holding
    return await of_each(request, lambda call, leg: holding.release(call.id, leg.view_id))
