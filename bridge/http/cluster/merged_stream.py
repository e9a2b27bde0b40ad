"""One stream of calls over the holders of several PBXs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import structlog
from aiohttp import ClientError, web

from bridge.calls.live.call_feed import FeedPosition
from bridge.calls.pbx import PbxNotHeld
from bridge.cluster.forward_client import ForwardBroken, OutgoingRequest
from bridge.cluster.forwarding import DEADLINE_S, Forwarder, NoHolder
from bridge.faults import reason
from bridge.http.cluster.merged_calls import MergedCalls
from bridge.http.cluster.outgoing import outgoing, stated
from bridge.http.cluster.reader import LOOK_S, Reader
from bridge.http.cluster.relay import relayed
from bridge.http.cluster.sent_events import SentEvent, events_of
from bridge.http.streaming import break_off
from bridge.http.uapi.stream.event_ids import event_id, position_of
from bridge.http.uapi.stream.event_text import HEARTBEAT, OPENING
from bridge.http.uapi.stream.open_stream import stream_response
from bridge.supervision.tasks import awaited

log = structlog.get_logger()

_OPENED_WITHIN_S = DEADLINE_S + 1.0
_WAITING_MAX = 256  # events; a slow reader holds the streams of the holders up, and then ends
_AGAIN_S = 0.5
_LAST_EVENT_ID = "Last-Event-ID"

_Told = tuple[str, SentEvent]


class _RefusedByHolder(Exception):
    """The holder refuses the stream, as it would refuse it to the client. Has that answer."""

    def __init__(self, answer: web.StreamResponse) -> None:
        super().__init__(str(answer.status))
        self.answer = answer


class MergedStream:
    """Opens a stream at each holder, this instance included, again whenever one breaks."""

    def __init__(
        self, request: web.Request, forwarder: Forwarder, pbx_names: Sequence[str]
    ) -> None:
        self._request = request
        self._forwarder = forwarder
        self._names = pbx_names
        self._told: asyncio.Queue[_Told] = asyncio.Queue(_WAITING_MAX)
        self._merged = MergedCalls(pbx_names)

    async def run(self) -> web.StreamResponse:
        """Raises PbxNotHeld while the reader has seen nothing of it."""
        sent = await outgoing(self._request)
        tasks = [awaited(self._follow(x, sent), "follow_pbx") for x in self._names]
        try:
            return await self._tell(tasks)
        except _RefusedByHolder as why:
            return why.answer
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _tell(self, tasks: list[asyncio.Task[None]]) -> web.StreamResponse:
        first = await self._first(tasks)
        reader = Reader(self._request, stream_response())
        try:
            await reader.begin(OPENING + b"".join(first))
            while reader.goes_on():
                if any(x.done() for x in tasks):
                    return break_off(self._request)
                told = await self._next(LOOK_S)
                if told is not None:
                    await reader.write(b"".join(self._merged.told(*told)))
                elif reader.is_quiet:
                    await reader.write(HEARTBEAT)
        except (OSError, TimeoutError, ValueError) as why:
            log.info("stream_broken_off", path=self._request.path, why=reason(why))
            return break_off(self._request)
        return reader.response

    async def _first(self, tasks: list[asyncio.Task[None]]) -> list[bytes]:
        """The events until all holders have told their state."""
        first: list[bytes] = []
        try:
            async with asyncio.timeout(_OPENED_WITHIN_S):
                while not self._merged.complete:
                    for task in tasks:
                        if task.done():
                            task.result()
                    told = await self._next(_AGAIN_S)
                    first += [] if told is None else self._merged.told(*told)
        except (NoHolder, ForwardBroken, TimeoutError, ValueError) as why:
            raise PbxNotHeld(str(why) or "its holder does not tell its calls") from None
        return first

    async def _next(self, within_s: float) -> _Told | None:
        try:
            async with asyncio.timeout(within_s):
                return await self._told.get()
        except TimeoutError:
            return None

    async def _follow(self, pbx: str, sent: OutgoingRequest) -> None:
        """Put its events into the queue. Raises NoHolder, _RefusedByHolder, ForwardBroken."""
        last_ms = _asked_ms(self._request)
        while True:
            try:
                async with self._forwarder.answer(
                    pbx,
                    stated(self._request),
                    _from(sent, last_ms),
                    lambda: False,
                    own_too=True,
                ) as answer:
                    if answer.status != web.HTTPOk.status_code:
                        refusal = await relayed(self._request, answer, min_bytes_per_s=1)
                        raise _RefusedByHolder(refusal)
                    async for event in events_of(answer.content):
                        last_ms = event.at_ms or last_ms
                        await self._told.put((pbx, event))
            except (ForwardBroken, ClientError, OSError, TimeoutError) as why:
                log.info("stream_of_pbx_broken", pbx=pbx, why=reason(why))
            await asyncio.sleep(_AGAIN_S)


def _asked_ms(request: web.Request) -> int:
    """The moment up to which the reader knows the calls; 0: it comes for the first time."""
    given = request.headers.get(_LAST_EVENT_ID) or request.query.get("lastEventId", "")
    position = position_of(given)
    return 0 if position is None else position.at_ms


def _from(sent: OutgoingRequest, last_ms: int) -> OutgoingRequest:
    """With an id that no holder can go on after: it tells what ended since, and its state."""
    headers = {k: x for k, x in sent.headers.items() if k.lower() != _LAST_EVENT_ID.lower()}
    if last_ms:
        headers[_LAST_EVENT_ID] = event_id(FeedPosition(0, 0, last_ms))
    return replace(sent, headers=headers)
