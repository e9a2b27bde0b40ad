"""A call as it was ordered, and what becomes of it: the accepted call, the order to the PBX."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bridge.calls.pbx import OriginateOrder, TransferScope
from bridge.calls.state.acts_on import ActsOn
from bridge.calls.state.phone_call import (
    Flow,
    Leg,
    Origin,
    PhoneCall,
    Side,
    new_call_id,
)
from bridge.clock import now_ms
from bridge.directory.caller_ids import CallerId
from bridge.directory.model import Extension, ExtensionType
from bridge.directory.party import Party

# As the phones of the directory are named: a trunk has no * in its name.
_PHONE = re.compile(r"PJSIP/[0-9]+[*][0-9]+\Z")


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call as ordered, everything resolved and checked. Times in seconds.

    `acts_on`: what its source does instead of calling destinations, `dialled` the number that is
    shown for that. `local_only`: that other call must not be connected with a public number.
    `call_id`: the id that the call shall have; None: any.
    """

    extension: Extension
    extension_spelled: str
    sources: tuple[Party, ...]
    destinations: tuple[Party, ...]
    caller_id: CallerId
    destination_caller_id: CallerId
    nonce: str | None
    wait_s: int
    duration_s: int
    allow_public_transfer: bool
    video: bool
    client_id: str
    recording: bool | None = None
    metadata: str | None = None
    status_url: str | None = None
    acts_on: ActsOn | None = None
    dialled: str = ""
    local_only: bool = False
    call_id: str | None = None


def accepted_call(order: NewCall, pbx: str) -> PhoneCall:
    """The call as it is accepted now, for the PBX of this name. Nothing has been dialled."""
    published_ms = now_ms()
    call_id = order.call_id or new_call_id(published_ms)
    parties = [(Side.SOURCE, x) for x in order.sources]
    parties += [(Side.DESTINATION, x) for x in order.destinations]
    public = any(party.is_public for _, party in parties)
    return PhoneCall(
        id=call_id,
        pbx=pbx,
        linkedid=call_id,
        origin=Origin.API,
        flow=Flow.OUTGOING if public else Flow.LOCAL,
        published_ms=published_ms,
        extension=order.extension.number,
        extension_spelled=order.extension_spelled,
        user_id=order.extension.user_id,
        organization=order.extension.organization,
        client_id=order.client_id,
        nonce=order.nonce,
        metadata=order.metadata,
        status_url=order.status_url,
        caller_id=order.caller_id,
        destination_caller_id=order.destination_caller_id,
        duration_s=order.duration_s,
        local_transfers_only=_local_only(order, public=public),
        allow_public_transfer=order.allow_public_transfer,
        recording=order.recording,
        acts_on=order.acts_on,
        dialled=order.dialled,
        all_devices=_several_devices((*order.sources, *order.destinations)),
        legs=tuple(
            Leg(
                view_id=f"{index:02d}",
                side=side,
                number=party.number,
                spelled=party.spelled,
                dial=party.dial,
                extension=party.extension.number if party.extension else None,
            )
            for index, (side, party) in enumerate(parties)
        ),
    )


def _several_devices(parties: Iterable[Party]) -> bool:
    return any(x.extension is not None and x.extension.rings_several for x in parties)


def _local_only(order: NewCall, *, public: bool) -> bool:
    """Whether its phones must not transfer it to a public number. A queue transfers nothing.

    The wish counts for calls with a public number (docs/reference/specification.md §4). The call
    keeps it, since such a number may come into the call later. The right of an extension counts
    always: the context of a transfer is the call's, not the one that the phone itself dials in.
    """
    concerned = [order.extension, *(x.extension for x in (*order.sources, *order.destinations))]
    phones = [x for x in concerned if x is not None and x.type is ExtensionType.PHONE_TERMINAL]
    if order.local_only or any(not x.may_call_public for x in phones):
        return True
    return public and not order.allow_public_transfer


def originate_order(order: NewCall, call: PhoneCall, destination_wait_s: int) -> OriginateOrder:
    """The order to the PBX for that call; `destination_wait_s`: how long destinations ring."""
    return OriginateOrder(
        call_id=call.id,
        sources=tuple(x.dial for x in order.sources),
        destinations=tuple(x.dial for x in order.destinations),
        caller_id=order.caller_id,
        destination_caller_id=order.destination_caller_id,
        wait_s=order.wait_s,
        destination_wait_s=destination_wait_s,
        duration_s=order.duration_s,
        account=order.extension.number,
        video=order.video,
        transfer_scope=_transfer_scope(call),
        all_devices=call.all_devices,
        forwarding_phone=_forwarding_phone(order.destinations),
        phones_of_source=order.acts_on is None and all(map(_is_phone, order.sources)),
        phones_of_destination=all(map(_is_phone, order.destinations)),
        acts_on=order.acts_on,
    )


def _is_phone(party: Party) -> bool:
    """Whether it is dialled as the endpoint of a phone, whose right counts in the call's rule."""
    extension = party.extension
    if extension is None or extension.type is not ExtensionType.PHONE_TERMINAL:
        return False
    return _PHONE.match(party.dial) is not None


def _transfer_scope(call: PhoneCall) -> TransferScope:
    if call.local_transfers_only:
        return TransferScope.LOCAL
    return TransferScope.ANY if call.allow_public_transfer else TransferScope.ONE_PUBLIC


def _forwarding_phone(destinations: tuple[Party, ...]) -> str | None:
    """The one destination, if it has forwards. Of several the others ring on instead."""
    if len(destinations) != 1:
        return None
    extension = destinations[0].extension
    return extension.number if extension is not None and extension.forwards is not None else None
