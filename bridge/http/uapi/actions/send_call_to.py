"""The actions that ring the phone of `sendCallTo`: UnPark, PickUp, BargeIn, Monitor, Whisper
(docs/reference/uapi.md §1.5)."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.calls.state.acting_calls import party_for
from bridge.calls.state.acts_on import CallAction
from bridge.calls.state.call_views import views_of
from bridge.calls.state.phone_call import Leg, PhoneCall
from bridge.calls.steering.acting_calls import ActionOrder
from bridge.calls.steering.errors import ActionFailed
from bridge.directory.model import Extension
from bridge.directory.party import Party
from bridge.http.errors import invalid
from bridge.http.uapi.actions.request import ActionRequest
from bridge.http.uapi.query_values import flag, number_text

_NOBODY = {
    CallAction.PICK_UP: "no phone rings in this call",
    CallAction.UN_PARK: "nobody is parked in this call",
}


async def monitor(request: ActionRequest) -> Sequence[PhoneCall]:
    """`Monitor`: the phone hears both parties, and nobody hears it."""
    return await _act(request, CallAction.MONITOR)


async def whisper(request: ActionRequest) -> Sequence[PhoneCall]:
    """`Whisper`: the party of the view hears the phone; if `private`, the phone hears nobody."""
    value = request.body.get("private")
    if isinstance(value, bool):
        private = value
    else:
        text = "0" if value is None else number_text(value) or ""
        private = flag(text, "pc_private_invalid", "private")
    return await _act(request, CallAction.PRIVATE_WHISPER if private else CallAction.WHISPER)


async def barge_in(request: ActionRequest) -> Sequence[PhoneCall]:
    """`BargeIn`: the phone hears both parties, and both hear it."""
    return await _act(request, CallAction.BARGE_IN)


async def pick_up(request: ActionRequest) -> Sequence[PhoneCall]:
    """`PickUp`: the phone answers the ringing call."""
    return await _act(request, CallAction.PICK_UP)


async def un_park(request: ActionRequest) -> Sequence[PhoneCall]:
    """`UnPark`: the phone talks to the parked party."""
    return await _act(request, CallAction.UN_PARK)


async def _act(request: ActionRequest, action: CallAction) -> Sequence[PhoneCall]:
    found = request.calls_with_view()
    phone, extension = _phone(request)
    order_of = _Order(request, action, phone, extension, request.wait_s())
    if not found:
        return ()
    if len(found) > 1:
        raise invalid(
            "pc_phonecall_invalid",
            f"phoneCallId must be given: there are {len(found)} calls, and one phone.",
        )
    call, meant = found[0]
    try:
        return (await request.node.acting.act(order_of.order(call, meant)),)
    finally:
        request.tell_limits(extension)


class _Order:
    """The fields of the body; checked whether there is a call or not."""

    def __init__(
        self,
        request: ActionRequest,
        action: CallAction,
        phone: Party,
        extension: Extension,
        wait_s: int,
    ) -> None:
        self._request = request
        self._action = action
        self._phone = phone
        self._extension = extension
        self._wait_s = wait_s
        self._caller_id = request.caller_id(extension)

    def order(self, call: PhoneCall, meant: Leg) -> ActionOrder:
        """Raises 400 pc_sendcallto_invalid, ActionFailed."""
        if self._action.listens:
            self._request.require_meant(call)
        if call.acts_on is not None:
            raise ActionFailed("this call itself acts on another call")
        party = party_for(self._action, call, meant)
        if party is None:
            raise ActionFailed(_NOBODY.get(self._action, "this party does not talk to anybody"))
        if _is_present(call, self._extension.number):
            raise invalid("pc_sendcallto_invalid", "sendCallTo is a party of this call already.")
        return ActionOrder(
            action=self._action,
            other=call,
            leg=party,
            phone=self._phone,
            extension=self._extension,
            caller_id=self._caller_id,
            wait_s=self._wait_s,
            duration_s=self._request.services.settings.uapi.creates.duration_default_s,
            client_id=self._request.scope.app.client_id,
        )


def _is_present(call: PhoneCall, extension: str) -> bool:
    return any(x.leg.extension == extension for x in views_of(call))


def _phone(request: ActionRequest) -> tuple[Party, Extension]:
    """`sendCallTo`: a Phone Terminal of the organization whose calls the request is about."""
    phone = request.send_call_to()
    return phone, request.require_own_phone(phone.extension)
