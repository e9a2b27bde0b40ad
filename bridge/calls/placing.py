"""Placing a call: accepted on disk first, then dialled, once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import structlog

from bridge.calls.errors import CallNotPlaced, TooManyCalls
from bridge.calls.live.call_log import log_accepted
from bridge.calls.live.switchboard import Switchboard
from bridge.calls.pace import Pace
from bridge.calls.pbx import (
    InvalidPbxValue,
    OriginateOrder,
    PbxOutcomeUnknown,
    PbxRefused,
    PbxUnavailable,
    TransferScope,
)
from bridge.calls.state.acts_on import ActsOn
from bridge.calls.state.phone_call import (
    Disposition,
    EndedBy,
    FinalRecord,
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
from bridge.faults import StorageUnavailable
from bridge.supervision.tasks import carried_through

log = structlog.get_logger()

Accept = Callable[[PhoneCall], Awaitable[None]]
AcceptAll = Callable[[Sequence[PhoneCall]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call as ordered, everything resolved and checked. Times in seconds.

    `acts_on`: what its source does instead of calling destinations, `dialled` the number that is
    shown for that. `local_only`: that other call must not be connected with a public number.
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


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Limits of calls at a time, and the default time in seconds that destinations ring."""

    per_extension: int
    per_user: int
    total: int
    destination_wait_s: int


@dataclass(frozen=True, slots=True)
class Places:
    """Of calls at a time: how many there may be, and how many more."""

    most: int
    left: int


class CallPlacement:
    """Places calls: checks the limits, waits for its turn, stores the call, sends the Originate."""

    def __init__(self, switchboard: Switchboard, pace: Pace, limits: CallLimits) -> None:
        self._switchboard = switchboard
        self._pace = pace
        self._limits = limits

    @property
    def pace(self) -> Pace:
        """Calls per second, in all."""
        return self._pace

    def places(self, extension: Extension) -> tuple[Places, Places]:
        """Of calls at a time: those of the extension, and those of its user.

        Both are cut to the places that are left in all.
        """
        calls, limits = self._switchboard.calls.live, self._limits
        in_all = limits.total - len(calls)
        of_user = min(in_all, limits.per_user - calls.paid_by_user(extension.user_id))
        paid = calls.paid_by_extension(extension.number)
        of_extension = min(of_user, limits.per_extension - paid)
        return Places(limits.per_extension, of_extension), Places(limits.per_user, of_user)

    async def place(self, order: NewCall, accept: Accept) -> PhoneCall:
        """Place the call; `accept` puts it on disk, and may raise to have it forgotten.

        Raises PbxUnavailable (nothing was accepted), TooManyCalls, CallNotPlaced, and what `accept`
        raises. When the PBX does not answer in time the call counts as placed: it may ring, and its
        events or the next resync will tell.
        """

        async def accept_one(calls: Sequence[PhoneCall]) -> None:
            await accept(calls[0])

        return (await self.place_all([order], accept_one))[0]

    async def place_all(self, orders: Sequence[NewCall], accept: AcceptAll) -> list[PhoneCall]:
        """Place several calls of one extension: all of them are on disk before one is dialled.

        Raises as `place`; CallNotPlaced only if the PBX took none of them. A call that it did not
        take has its final record.
        """
        self._require_link()
        for _ in orders:
            await self._pace.turn()
        self._require_link()
        # From here on the calls run to their end even if the client has gone.
        return await carried_through(self._place(orders, accept), "place_call")

    async def _place(self, orders: Sequence[NewCall], accept: AcceptAll) -> list[PhoneCall]:
        self._check_limits(orders[0].extension, len(orders))
        calls = [_accepted(x, self._switchboard.pbx.name) for x in orders]
        with ExitStack() as placing:
            for call in calls:
                self._switchboard.calls.add(call)
                self._switchboard.timelines.accepted(call)
                placing.enter_context(self._switchboard.placing(call.id))
            await self._store(calls, accept)
            refused: list[CallNotPlaced] = []
            for order, call in zip(orders, calls, strict=True):
                try:
                    await self._dial(order, call)
                except CallNotPlaced as why:
                    refused.append(why)
        if len(refused) == len(calls):
            raise refused[0]
        return calls

    async def _store(self, calls: Sequence[PhoneCall], accept: AcceptAll) -> None:
        try:
            # Their rows are the first to be written of the calls: nobody has heard of them before.
            await accept(calls)
        except StorageUnavailable as why:
            for call in calls:
                if why.outcome_unknown:  # it may be on disk, and must not stay there as a live one
                    late = "not stored in time"
                    self._not_dialled(call.id, EndedBy.PBX, Disposition.FAILED, late)
                self._drop(call)
            raise
        except BaseException:
            for call in calls:
                self._drop(call)
            raise

    def _drop(self, call: PhoneCall) -> None:
        self._switchboard.calls.drop(call.id)
        self._switchboard.timelines.forget(call.id)

    async def _dial(self, order: NewCall, call: PhoneCall) -> None:
        log_accepted(call)
        live = self._switchboard.calls.live.get(call.id)
        if live is None:
            raise CallNotPlaced(call.id, "it was ended before it could be dialled")
        if live.hang_up is not None:
            self._not_dialled(call.id, EndedBy.API, Disposition.NO_ANSWER, "cancelled")
            return
        try:
            await self._switchboard.pbx.originate(_originate_order(order, call, self._limits))
        except PbxOutcomeUnknown:
            log.warning("originate_not_confirmed", call_id=call.id)
            self._switchboard.resync_later.request()  # it has a channel by then, or never will
        except (PbxRefused, PbxUnavailable, InvalidPbxValue) as why:
            self._not_dialled(call.id, EndedBy.PBX, Disposition.FAILED, str(why))
            raise CallNotPlaced(call.id, str(why)) from why

    def _not_dialled(
        self, call_id: str, by: EndedBy, disposition: Disposition, reason: str
    ) -> None:
        self._switchboard.end(call_id, FinalRecord(now_ms(), disposition, by, reason))

    def _require_link(self) -> None:
        link = self._switchboard.pbx.link
        if not link.up:
            raise PbxUnavailable(link.why)

    def _check_limits(self, extension: Extension, more: int) -> None:
        calls, limits = self._switchboard.calls.live, self._limits
        for name, count, limit in (
            ("in all", len(calls), limits.total),
            ("of the user", calls.paid_by_user(extension.user_id), limits.per_user),
            ("of the extension", calls.paid_by_extension(extension.number), limits.per_extension),
        ):
            if count + more > limit:
                raise TooManyCalls(f"too many concurrent calls {name} (limit {limit})", 5)


def _accepted(order: NewCall, pbx: str) -> PhoneCall:
    published_ms = now_ms()
    call_id = new_call_id(published_ms)
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
    return any(x.extension is not None and x.extension.devices > 1 for x in parties)


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


def _originate_order(order: NewCall, call: PhoneCall, limits: CallLimits) -> OriginateOrder:
    return OriginateOrder(
        call_id=call.id,
        sources=tuple(x.dial for x in order.sources),
        destinations=tuple(x.dial for x in order.destinations),
        caller_id=order.caller_id,
        destination_caller_id=order.destination_caller_id,
        wait_s=order.wait_s,
        destination_wait_s=limits.destination_wait_s,
        duration_s=order.duration_s,
        account=order.extension.number,
        video=order.video,
        transfer_scope=_transfer_scope(call),
        all_devices=call.all_devices,
        forwarding_phone=_forwarding_phone(order.destinations),
        acts_on=order.acts_on,
    )


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
