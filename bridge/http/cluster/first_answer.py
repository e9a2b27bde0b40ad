"""One request to the holders of several PBXs: the first that finds something answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aiohttp import web

from bridge.calls.pbx import PbxNotHeld
from bridge.cluster.forward_client import ForwardBroken, NotCarriedOut, OutgoingRequest
from bridge.cluster.forward_header import Forward
from bridge.cluster.lease import pbx_resource
from bridge.http.cluster.holders import Holders
from bridge.http.cluster.outgoing import outgoing, stated
from bridge.http.cluster.relay import tell_headers, whole
from bridge.http.forwarded import REFUSED_HEADER
from bridge.http.streaming import has_left
from bridge.supervision.tasks import awaited

_ANSWER_MAX_BYTES = 1024 * 1024
_LOOK_S = 0.25


@dataclass(frozen=True, slots=True)
class _Answer:
    refused: bool
    response: web.Response


class FirstAnswer:
    """The others are broken off: a holder gives up what nobody waits for any more."""

    def __init__(self, holders: Holders) -> None:
        self._holders = holders

    async def of(
        self, request: web.Request, pbx_names: Sequence[str], within_s: float
    ) -> web.StreamResponse:
        """The first answer with a success, else the last refusal.

        Raises PbxNotHeld where no holder answers at all.
        """
        sent = await outgoing(request)
        forward = stated(request)
        asked = {
            awaited(self._one(request, x, forward, sent, within_s), "ask_next") for x in pbx_names
        }
        refusal: web.Response | None = None
        why = ""
        try:
            while asked and not has_left(request):
                done, asked = await asyncio.wait(
                    asked, timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    try:
                        answer = task.result()
                    except (ForwardBroken, NotCarriedOut, TimeoutError) as fault:
                        why = str(fault)
                        continue
                    if not answer.refused:
                        return answer.response
                    refusal = answer.response
        finally:
            for task in asked:
                task.cancel()
        if refusal is None:
            raise PbxNotHeld(why or "nobody waits for the answer any more")
        return refusal

    async def _one(
        self,
        request: web.Request,
        pbx: str,
        forward: Forward,
        sent: OutgoingRequest,
        within_s: float,
    ) -> _Answer:
        """Also of a PBX that is held here: the request can have one node at a time."""
        lease = self._holders.leases.holder_of(pbx_resource(pbx))
        if lease is None:
            raise NotCarriedOut(f"nobody holds {pbx}")
        forwarder, asked = self._holders.forwarder, replace(forward, pbx=pbx)
        async with forwarder.answer_of(lease, asked, sent, head_within_s=within_s) as answer:
            body = await whole(answer, _ANSWER_MAX_BYTES)
            response = web.Response(status=answer.status, body=body)
            tell_headers(request, answer, response)
            return _Answer(REFUSED_HEADER in answer.headers, response)
