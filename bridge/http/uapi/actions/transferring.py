"""Transfer and TransferToVoicemail (docs/reference/uapi.md §1.5)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bridge.calls.state.call_views import views_of
from bridge.calls.state.phone_call import Leg, PhoneCall
from bridge.calls.state.transfer_rule import is_local_only
from bridge.calls.steering.errors import ActionFailed
from bridge.calls.steering.transferring import TransferOrder, has_target
from bridge.directory.model import Extension, ExtensionType
from bridge.directory.party import Party
from bridge.http.errors import invalid
from bridge.http.uapi.actions.request import ActionRequest
from bridge.http.uapi.actions.transfer_parties import NamedParties


async def transfer(request: ActionRequest) -> Sequence[PhoneCall]:
    """`Transfer`: the other party is connected with the extension or number of `sendCallTo`."""
    named, wait_s, target = NamedParties(request), request.wait_s(), request.send_call_to()
    call = _one_call(request)
    if call is None:
        return ()
    transferer = named.transferer(call)
    if has_target(call, target):
        raise invalid("pc_sendcallto_invalid", "sendCallTo is a party of this call already.")
    order = TransferOrder(
        call_id=call.id,
        view_id=transferer.view_id,
        target=target,
        back_dial=_back_dial(request, transferer),
        wait_s=wait_s,
        is_local_only=partial(_is_local_only, request),
    )
    return (await request.node.steering.transferring.transfer(order),)


async def transfer_to_voicemail(request: ActionRequest) -> Sequence[PhoneCall]:
    """`TransferToVoicemail`: the other party leaves a message in the mailbox of `sendCallTo`."""
    named = NamedParties(request)
    mailbox = request.number("sendCallTo", "pc_sendcallto_invalid")
    if mailbox is not None:
        _require_mailbox(request, mailbox.extension)
    call = _one_call(request)
    if call is None:
        return ()
    transferer = named.transferer(call)
    if mailbox is None:
        mailbox = _own_mailbox(request, transferer)
    service = request.node.steering.transferring
    return (await service.to_voicemail(call.id, transferer.view_id, mailbox),)


def _one_call(request: ActionRequest) -> PhoneCall | None:
    calls = request.calls()
    if len(calls) > 1:
        raise invalid(
            "pc_phonecall_invalid",
            f"phoneCallId must be given: there are {len(calls)} calls, and one target.",
        )
    return calls[0] if calls else None


def _back_dial(request: ActionRequest, transferer: Leg) -> str:
    """The dial string of the party that transfers, so that it can have the other back."""
    extension = _extension(request, transferer.extension)
    if extension is not None and extension.type is ExtensionType.PHONE_TERMINAL:
        return extension.dial
    if transferer.extension is not None or not transferer.dial:
        raise ActionFailed(f"{transferer.number} cannot transfer: it could not have it back")
    return transferer.dial


def _is_local_only(request: ActionRequest, call: PhoneCall) -> bool:
    """Whether the rule of the call, or the right of an extension in it, forbids public numbers.

    By the directory in force then, not the one at the time of the request.
    """
    concerned = {x.leg.extension for x in views_of(call)} | {call.extension}
    extensions = request.services.directory.directory.extensions
    found = (extensions.get(x or "") for x in concerned)
    phones = [x for x in found if x is not None and x.type is ExtensionType.PHONE_TERMINAL]
    return is_local_only(call) or any(not x.may_call_public for x in phones)


def _extension(request: ActionRequest, number: str | None) -> Extension | None:
    return request.requester.directory.extensions.get(number or "")


def _own_mailbox(request: ActionRequest, transferer: Leg) -> Party:
    extension = _extension(request, transferer.extension)
    if extension is None:
        raise invalid("pc_sendcallto_invalid", "sendCallTo must be the extension of a mailbox.")
    _require_mailbox(request, extension)
    return Party(
        spelled=extension.number, number=extension.number, extension=extension, dial=extension.dial
    )


def _require_mailbox(request: ActionRequest, extension: Extension | None) -> None:
    phone = request.require_own_phone(extension)
    if phone.forwards is None or not phone.forwards.voicemail:
        raise invalid("pc_sendcallto_invalid", f"{phone.number} has no voicemail.")
