"""A create at any instance: at most one call, however the way to the holder breaks.

The first instance chooses the id of the call. If nobody knows whether the holder has accepted it,
the database says so: by its row, or by an epoch under which nobody can write it any more.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import structlog
from aiohttp import web

from bridge.calls.errors import CallNotPlaced
from bridge.calls.pbx import PbxNotHeld, PbxUnavailable
from bridge.calls.state.phone_call import (
    Disposition,
    EndedBy,
    PhoneCall,
    further_call_id,
    new_call_id,
)
from bridge.clock import now_ms
from bridge.cluster.forward_client import ForwardBroken
from bridge.cluster.forwarding import ARRIVES_WITHIN_S, HeldHere, NoHolder
from bridge.cluster.lease import pbx_resource
from bridge.faults import Fenced, StorageUnavailable
from bridge.http.cluster.holders import AppHandler, Holders
from bridge.http.cluster.outgoing import stated
from bridge.http.forwarded import ACCEPTED, CALL_ID

log = structlog.get_logger()

_LOOK_S = 0.1
_SLACK_S = 0.5

FindCall = Callable[[str], Awaitable[PhoneCall | None]]
TellAccepted = Callable[[web.Request, Sequence[PhoneCall]], Awaitable[web.Response]]


class NothingAccepted(Exception):
    """The lease of the PBX went before a call was on disk: another instance may place it."""


async def created_here(
    request: web.Request, handler: AppHandler, still_held: Callable[[], bool]
) -> web.StreamResponse:
    """The answer of the handler, which takes the node of this instance.

    `still_held`: whether a request would find that node now. One that is handed over ends before
    its lease does. Raises NothingAccepted, and what the handler raises.
    """
    try:
        return await handler(request)
    except Fenced as why:  # the database knows of the next holder before this instance does
        if ACCEPTED in request:
            raise
        raise NothingAccepted(str(why)) from None
    except PbxUnavailable as why:
        if ACCEPTED in request or still_held():
            raise
        raise NothingAccepted(str(why)) from None


class Creates:
    """`find`: a call by its id, live or ended; raises StorageUnavailable. `tell`: the answer to a
    create that accepted these calls. `create_limit_s`: a holder accepts no call later than that
    after the request came."""

    def __init__(
        self, holders: Holders, find: FindCall, tell: TellAccepted, *, create_limit_s: float
    ) -> None:
        self._holders = holders
        self._find = find
        self._tell = tell
        # After it no holder accepts a call of a request that was sent at the beginning.
        self._settled_within_s = ARRIVES_WITHIN_S + create_limit_s + _SLACK_S

    async def carried_out(
        self, request: web.Request, handler: AppHandler, pbx: str
    ) -> web.StreamResponse:
        """The answer of the holder, or what the database says became of the call.

        Raises PbxNotHeld (there is no call, and there will be none), CallNotPlaced, and what
        the handler raises.
        """
        call_id = request[CALL_ID] = new_call_id(now_ms())
        for last in (False, True):
            until_s = _now_s() + self._settled_within_s
            try:
                if not self._takes(request, pbx):
                    with contextlib.suppress(HeldHere):
                        return await self._elsewhere(request, pbx, call_id)
                return await created_here(request, handler, lambda: self._takes(request, pbx))
            except NothingAccepted as why:
                if last:
                    raise PbxNotHeld(str(why)) from None
                await self._look_again()
            except NoHolder as why:
                raise PbxNotHeld(str(why)) from None
            except ForwardBroken as why:
                log.warning("create_forward_broken", pbx=pbx, call_id=call_id, why=str(why))
                accepted = await self._accepted(pbx, call_id, why.epoch, until_s, again=not last)
                if accepted:
                    return await self._told(request, accepted)
        raise AssertionError("unreachable")

    def _takes(self, request: web.Request, pbx: str) -> bool:
        return self._holders.takes(request, pbx, new_call=True)

    async def _elsewhere(self, request: web.Request, pbx: str, call_id: str) -> web.StreamResponse:
        return await self._holders.forwarded(
            request,
            pbx,
            forward=stated(request, call_id=call_id),
            new_call=True,
            head_within_s=self._settled_within_s,
        )

    async def _accepted(
        self, pbx: str, call_id: str, epoch: int, until_s: float, *, again: bool
    ) -> list[PhoneCall]:
        """The calls that were accepted; none where the request can be sent once more.

        Raises PbxNotHeld once no call can come any more.
        """
        while True:
            over = _now_s() >= until_s
            # Read before the row: under an older epoch nothing is written after this.
            replaced = self._epoch(pbx) > epoch
            found = await self._rows(call_id)
            if found:
                return found
            if found is not None and again and replaced:
                return []
            if over:
                raise PbxNotHeld("the call was not placed, its holder does not answer")
            await asyncio.sleep(_LOOK_S)
            await self._look_again()

    async def _rows(self, call_id: str) -> list[PhoneCall] | None:
        """The call and those that were accepted with it; None where the database does not say."""
        found: list[PhoneCall] = []
        try:
            call = await self._find(call_id)
            while call is not None:
                found.append(call)
                call = await self._find(further_call_id(call_id, len(found)))
        except StorageUnavailable:
            return None
        return found

    async def _told(self, request: web.Request, calls: Sequence[PhoneCall]) -> web.Response:
        """As the holder would have told it. Raises CallNotPlaced."""
        refused = [x for x in calls if _was_refused(x)]
        if len(refused) == len(calls):
            final = refused[0].final
            raise CallNotPlaced(refused[0].id, "" if final is None else final.reason)
        return await self._tell(request, calls)

    def _epoch(self, pbx: str) -> int:
        lease = self._holders.leases.holder_of(pbx_resource(pbx))
        return -1 if lease is None else lease.epoch

    async def _look_again(self) -> None:
        try:
            await self._holders.leases.look_again()
        except StorageUnavailable:
            return


def _was_refused(call: PhoneCall) -> bool:
    """Whether it was accepted and then not dialled, as the PBX or the holder would not."""
    final = call.final
    if final is None or final.disposition is not Disposition.FAILED:
        return False
    return final.by is EndedBy.PBX and not call.channels and call.answered_ms is None


def _now_s() -> float:
    return asyncio.get_running_loop().time()
