"""Placing a call: accepted on disk first, then dialled, once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import structlog

from bridge.calls.call_order import NewCall, accepted_call, originate_order
from bridge.calls.calls_elsewhere import CallsElsewhere, Nowhere
from bridge.calls.errors import CallNotPlaced, TooManyCalls
from bridge.calls.live.call_log import log_accepted
from bridge.calls.live.switchboard import Switchboard
from bridge.calls.pace import Pace
from bridge.calls.pbx import InvalidPbxValue, PbxOutcomeUnknown, PbxRefused, PbxUnavailable
from bridge.calls.state.phone_call import Disposition, EndedBy, FinalRecord, PhoneCall
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


@dataclass(frozen=True, slots=True)
class _Sent:
    """An Originate that is written, and the answer of the PBX to come."""

    call_id: str
    answer: Coroutine[object, object, None]


class CallPlacement:
    """Places calls: checks the limits, waits for its turn, stores the call, sends the Originate.

    `elsewhere`: the calls that count as well, of an organization that has moved.
    """

    def __init__(
        self,
        switchboard: Switchboard,
        pace: Pace,
        limits: CallLimits,
        elsewhere: CallsElsewhere | None = None,
    ) -> None:
        self._elsewhere = elsewhere or Nowhere()
        self._switchboard = switchboard
        self._pace = pace
        self._limits = limits
        self._being_placed: set[asyncio.Future[None]] = set()

    @property
    def pace(self) -> Pace:
        """Calls per second, in all."""
        return self._pace

    def places(self, extension: Extension) -> tuple[Places, Places]:
        """Of calls at a time: those of the extension, and those of its user.

        Both are cut to the places that are left in all.
        """
        limits = self._limits
        in_all = limits.total - len(self._switchboard.calls.live)
        of_user = min(in_all, limits.per_user - self._paid_by_user(extension))
        of_extension = min(of_user, limits.per_extension - self._paid_by_extension(extension))
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
        says to it then shows in the call alone. Such a caller has a task of its own, which nobody
        cancels when the client goes.
        """
        self._require_link()
        for _ in orders:
            await self._pace.turn()
        self._require_link()
        if not wait_for_pbx:
            return await self._place(orders, accept)
        calls: asyncio.Future[list[PhoneCall]] = asyncio.get_running_loop().create_future()
        # From here on the calls run to their end even if the client has gone.
        placing = self._place(orders, accept, wait_for_pbx=True)
        task = in_request(_tell(placing, calls), "place_call")
        self._being_placed.add(task)  # `finish` waits also if it has not begun yet
        task.add_done_callback(self._being_placed.discard)
        return await calls

    async def finish(self) -> None:
        """Return once the PBX has answered each Originate that was sent, or its time is over."""
        if self._being_placed:
            await asyncio.wait(self._being_placed)

    async def _place(
        self, orders: Sequence[NewCall], accept: AcceptAll, *, wait_for_pbx: bool = False
    ) -> list[PhoneCall]:
        self._check_limits(orders[0].extension, len(orders))
        calls = [accepted_call(x, self._switchboard.pbx.name) for x in orders]
        with ExitStack() as placing:
            placing.enter_context(self._until_placed())
            for call in calls:
                self._switchboard.calls.add(call)
                self._switchboard.timelines.accepted(call)
                placing.enter_context(self._switchboard.placing(call.id))
            await self._store(calls, accept)
            # No turn of the event loop is lost between the disk and the PBX.
            dials = [self._dial(x, y) for x, y in zip(orders, calls, strict=True)]
            faults = [x for x in dials if isinstance(x, Exception)]
            sent = [x for x in dials if isinstance(x, _Sent)]
            if sent:
                answers = self._answers(sent, placing.pop_all())
                task = in_request(answers, "originate_answers")
                if wait_for_pbx:
                    faults += await task
        if len(faults) == len(calls):
            raise faults[0]
        return calls

    @contextmanager
    def _until_placed(self) -> Iterator[None]:
        """Until the block ends, `finish` waits."""
        placed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._being_placed.add(placed)
        try:
            yield
        finally:
            self._being_placed.discard(placed)
            placed.set_result(None)

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
        except BaseException as fault:
            for call in calls:
                if isinstance(fault, asyncio.CancelledError):  # as above
                    self._not_dialled(call.id, EndedBy.PBX, Disposition.FAILED, NOT_STORED_IN_TIME)
                self._drop(call)
            raise

    def _drop(self, call: PhoneCall) -> None:
        self._switchboard.calls.drop(call.id)
        self._switchboard.timelines.forget(call.id)

    def _dial(self, order: NewCall, call: PhoneCall) -> _Sent | Exception | None:
        """The reason where it was not dialled; None where it was cancelled before."""
        try:
            return self._dialled(order, call)
        except Exception as fault:  # of ours: the calls beside it may be on their way
            log.exception("originate_failed", call_id=call.id)
            self._not_dialled(call.id, EndedBy.UNKNOWN, Disposition.FAILED, "internal error")
            return fault

    def _dialled(self, order: NewCall, call: PhoneCall) -> _Sent | NotDialled | None:
        live = self._switchboard.calls.live.get(call.id)
        if live is None:
            log_accepted(call)
            return CallNotPlaced(call.id, "it was ended before it could be dialled")
        if live.hang_up is not None:
            log_accepted(call)
            self._not_dialled(call.id, EndedBy.API, Disposition.NO_ANSWER, "cancelled")
            return None
        wanted = originate_order(order, call, self._limits.destination_wait_s)
        try:
            answer = self._switchboard.pbx.originate(wanted)
        except (PbxUnavailable, InvalidPbxValue) as why:
            log_accepted(call)
            return self._refused(call.id, why)
        log_accepted(call)  # after the Originate, which it would hold up
        return _Sent(call.id, answer)

    async def _answers(self, sent: Sequence[_Sent], placing: ExitStack) -> list[Exception]:
        """Those that the PBX did not take, once it has answered all."""
        with placing:
            if len(sent) == 1:
                faults = [await self._answer(sent[0])]
            else:
                faults = await asyncio.gather(*(self._answer(x) for x in sent))
        return [x for x in faults if x is not None]

    async def _answer(self, sent: _Sent) -> NotDialled | None:
        """Returns the reason where the PBX did not take it."""
        try:
            await sent.answer
        except PbxOutcomeUnknown:
            log.warning("originate_not_confirmed", call_id=sent.call_id)
            self._switchboard.resync_later.request()  # it has a channel by then, or never will
        except (PbxRefused, PbxUnavailable, InvalidPbxValue) as why:
            return self._refused(sent.call_id, why)
        except Exception:  # of ours; the PBX may have taken it
            log.exception("originate_answer_failed", call_id=sent.call_id)
            self._switchboard.resync_later.request()
        return None

    def _refused(
        self, call_id: str, why: PbxRefused | PbxUnavailable | InvalidPbxValue
    ) -> NotDialled:
        self._not_dialled(call_id, EndedBy.PBX, Disposition.FAILED, str(why))
        if isinstance(why, PbxUnavailable):
            return why
        fault = CallNotPlaced(call_id, str(why))
        fault.__cause__ = why
        return fault

    def _not_dialled(
        self, call_id: str, by: EndedBy, disposition: Disposition, reason: str
    ) -> None:
        self._switchboard.end(call_id, FinalRecord(now_ms(), disposition, by, reason))

    def _require_link(self) -> None:
        link = self._switchboard.pbx.link
        if not link.up:
            raise PbxUnavailable(link.why)

    def _paid_by_user(self, extension: Extension) -> int:
        here = self._switchboard.calls.live.paid_by_user(extension.user_id)
        return here + self._elsewhere.of_user(extension.user_id, self._switchboard.pbx.name)

    def _paid_by_extension(self, extension: Extension) -> int:
        here = self._switchboard.calls.live.paid_by_extension(extension.number)
        return here + self._elsewhere.of_extension(extension.number, self._switchboard.pbx.name)

    def _check_limits(self, extension: Extension, more: int) -> None:
        calls, limits = self._switchboard.calls.live, self._limits
        for name, count, limit in (
            ("in all", len(calls), limits.total),
            ("of the user", self._paid_by_user(extension), limits.per_user),
            ("of the extension", self._paid_by_extension(extension), limits.per_extension),
        ):
            if count + more > limit:
                raise TooManyCalls(f"too many concurrent calls {name} (limit {limit})", 5)


async def _tell(
    placing: Coroutine[object, object, list[PhoneCall]], calls: asyncio.Future[list[PhoneCall]]
) -> None:
    """Tell the outcome of `placing` to the caller that waits for `calls`.

    Once it waits no more, a refusal shows in the call. Any other fault is raised here.
    """
    try:
        placed = await placing
    except asyncio.CancelledError:
        calls.cancel()
        raise
    except Exception as fault:
        if not calls.done():
            calls.set_exception(fault)
        elif not isinstance(fault, CallNotPlaced | PbxUnavailable):
            raise
    else:
        if not calls.done():
            calls.set_result(placed)
