"""A DELETE of calls that may be on several PBXs: each holder ends its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
from aiohttp import web

from bridge.http.cluster.holders import AppHandler, Holders
from bridge.http.uapi.deleted_answer import deleted_answer
from bridge.supervision.tasks import awaited

_IGNORED = "X-Ignored-Parameters"


class HangUps:
    """Asks all holders at once. A hang-up that is done twice does no harm."""

    def __init__(self, holders: Holders) -> None:
        self._holders = holders

    async def carried_out(
        self, request: web.Request, handler: AppHandler, pbx_names: Sequence[str]
    ) -> web.StreamResponse:
        """The calls of all holders that end. Raises the fault of any of them.

        The others have hung up all the same, so that the client can repeat the request.
        """
        if len(pbx_names) == 1:
            return await self._of(request, handler, pbx_names[0])
        # Each is asked once, though one may change hands meanwhile.
        here = [x for x in pbx_names if self._holders.takes(request, x)]
        # Those of this instance in turn: the request has one node at a time.
        results = [await self._tried(request, handler, x) for x in here]
        elsewhere = [x for x in pbx_names if x not in here]
        works = [awaited(self._of(request, handler, x), "hang_up_elsewhere") for x in elsewhere]
        results += await asyncio.gather(*works, return_exceptions=True)
        answers = []
        for found in results:
            if isinstance(found, BaseException):
                raise found
            answers.append(found)
        return _together(request, answers)

    async def _tried(
        self, request: web.Request, handler: AppHandler, pbx: str
    ) -> web.StreamResponse | BaseException:
        """The fault of one must not keep the others from being asked."""
        try:
            return await self._of(request, handler, pbx)
        except Exception as why:
            return why

    async def _of(self, request: web.Request, handler: AppHandler, pbx: str) -> web.StreamResponse:
        return await self._holders.carried_out(request, handler, pbx, repeatable=True)


def _together(request: web.Request, answers: Sequence[web.StreamResponse]) -> web.StreamResponse:
    """One list. An error that is not the same for all is an error of the whole."""
    items: list[Any] = []
    for answer in answers:
        if answer.status >= 400:
            return answer
        body = answer.body if isinstance(answer, web.Response) else None
        if isinstance(body, bytes) and body:
            items += orjson.loads(body)
    ignored = [x.headers[_IGNORED] for x in answers if _IGNORED in x.headers]
    return deleted_answer(request, items, {_IGNORED: ignored[0]} if ignored else {})
