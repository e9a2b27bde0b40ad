"""Placing a call: accepted on disk first, then dialled, once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import structlog

from bridge.calls.call_order import NewCall, accepted_call, originate_order
from bridge.calls.errors import CallNotPlaced, TooManyCalls
from bridge.calls.live.call_log import log_accepted
from bridge.calls.live.switchboard import Switchboard
from bridge.calls.pace import Pace
from bridge.calls.pbx import InvalidPbxValue, PbxOutcomeUnknown, PbxRefused, PbxUnavailable
from bridge.calls.state.phone_call import Disposition, EndedBy, FinalRecord, PhoneCall
from bridge.calls.taken import Taken
from bridge.clock import now_ms
from bridge.directory.model import Extension
from bridge.faults import StorageUnavailable
from bridge.supervision.tasks import in_request

log = structlog.get_logger()

Accept = Callable[[PhoneCall], Awaitable[None]]
AcceptAll = Callable[[Sequence[PhoneCall]], Awaitable[None]]
NOT_STORED_IN_TIME = "not stored in time"
"""Why a call ended of which its client was told that nothing was placed."""

NotDialled = CallNotPlaced | PbxUnavailable


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
        self._being_placed: set[asyncio.Task[None]] = set()

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

        Raises PbxUnavailable (nothing was sent), TooManyCalls, CallNotPlaced, and what `accept`
        raises. When the PBX does not answer in time the call counts as placed: it may ring, and its
        events or the next resync will tell.
        """

        async def accept_one(calls: Sequence[PhoneCall]) -> None:
            await accept(calls[0])

        return (await self.place_all([order], accept_one, wait_for_pbx=True))[0]

    async def place_all(
        self, orders: Sequence[NewCall], accept: AcceptAll, *, wait_for_pbx: bool
    ) -> list[PhoneCall]:
        """Place several calls of one extension: all of them are on disk before one is dialled.

        Raises as `place`, if the PBX took none of them. A call that it did not take has its final
        record. Without `wait_for_pbx` a call is taken once its Originate is written; what the PBX
        says to it then shows in the call alone.
        """
        self._require_link()
        for _ in orders:
            await self._pace.turn()
        self._require_link()
        taken = Taken(wait_for_pbx=wait_for_pbx)
        # From here on the calls run to their end even if the client has gone.
        task = in_request(taken.tell(self._place(orders, accept, taken)), "place_call")
        self._being_placed.add(task)
        task.add_done_callback(self._being_placed.discard)
        return await taken.calls

    async def finish(self) -> None:
        """Return once the PBX has answered each Originate that was sent, or its time is over."""
        if self._being_placed:
            await asyncio.wait(self._being_placed)

    async def _place(
        self, orders: Sequence[NewCall], accept: AcceptAll, taken: Taken
    ) -> list[PhoneCall]:
        self._check_limits(orders[0].extension, len(orders))
        calls = [accepted_call(x, self._switchboard.pbx.name) for x in orders]
        with ExitStack() as placing:
            for call in calls:
                self._switchboard.calls.add(call)
                self._switchboard.timelines.accepted(call)
                placing.enter_context(self._switchboard.placing(call.id))
            await self._store(calls, accept)
            taken.expect(calls)
            dials = [self._dial(x, y, taken) for x, y in zip(orders, calls, strict=True)]
            faults = [await dials[0]] if len(dials) == 1 else await asyncio.gather(*dials)
        refused = [x for x in faults if x is not None]
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
                    self._not_dialled(call.id, EndedBy.PBX, Disposition.FAILED, NOT_STORED_IN_TIME)
                self._drop(call)
            raise
        except BaseException:
            for call in calls:
                self._drop(call)
            raise

    def _drop(self, call: PhoneCall) -> None:
        self._switchboard.calls.drop(call.id)
        self._switchboard.timelines.forget(call.id)

    async def _dial(self, order: NewCall, call: PhoneCall, taken: Taken) -> NotDialled | None:
        """Returns the reason where the PBX did not take it."""
        log_accepted(call)
        live = self._switchboard.calls.live.get(call.id)
        fault: NotDialled | None = None
        if live is None:
            fault = CallNotPlaced(call.id, "it was ended before it could be dialled")
        elif live.hang_up is not None:
            self._not_dialled(call.id, EndedBy.API, Disposition.NO_ANSWER, "cancelled")
        else:
            fault = await self._originate(order, call, taken)
        taken.settled(call.id)
        return fault

    async def _originate(self, order: NewCall, call: PhoneCall, taken: Taken) -> NotDialled | None:
        wanted = originate_order(order, call, self._limits.destination_wait_s)
        try:
            await self._switchboard.pbx.originate(wanted, lambda: taken.written(call.id))
        except PbxOutcomeUnknown:
            log.warning("originate_not_confirmed", call_id=call.id)
            self._switchboard.resync_later.request()  # it has a channel by then, or never will
        except (PbxRefused, PbxUnavailable, InvalidPbxValue) as why:
            self._not_dialled(call.id, EndedBy.PBX, Disposition.FAILED, str(why))
            if isinstance(why, PbxUnavailable):
                return why
            fault = CallNotPlaced(call.id, str(why))
            fault.__cause__ = why
            return fault
        return None

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
