"""An action on each call that a request means."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from bridge.calls.state.phone_call import Leg, PhoneCall
from bridge.calls.steering.errors import ActionFailed
from bridge.http.uapi.actions.request import ActionRequest


async def of_each(
    request: ActionRequest, action: Callable[[PhoneCall, Leg], Awaitable[PhoneCall]]
) -> list[PhoneCall]:
    """The calls after the action, with the party of the view in each.

    If the URI names no call, the answer leaves out calls in a state that does not allow the action.
    Raises the fault of the action if it was carried out on no call.
    """

    async def one(call: PhoneCall, leg: Leg) -> PhoneCall:
        request.require_meant(call)
        return await action(call, leg)

    done = await asyncio.gather(
        *(one(call, leg) for call, leg in request.calls_with_view()), return_exceptions=True
    )
    calls = [x for x in done if isinstance(x, PhoneCall)]
    for fault in done:
        expected = isinstance(fault, ActionFailed) and bool(calls)
        if isinstance(fault, BaseException) and not expected:
            raise fault
    return calls
