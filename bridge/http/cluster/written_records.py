"""Waits until the holders of all PBXs have written what they know.

A client that sees a call leave the live calls asks for its record at once. The record may still be
in the queue of the holder, and the answer is read from the database here.
"""

from __future__ import annotations

import asyncio

import structlog
from aiohttp import web

from bridge.cluster.forward_client import OutgoingRequest
from bridge.cluster.forward_header import Forward
from bridge.cluster.forwarding import Forwarder
from bridge.cluster.pbx_names import Placements
from bridge.http.cluster.asked_owners import WRITTEN, OwnerSilent, ask_owners

log = structlog.get_logger()

WITHIN_S = 1.0
"""After it the records are read as they are: a holder that is silent for longer has died."""

_ASKED = OutgoingRequest("GET", "/health/live", "instance", {}, b"")


class WrittenRecords:
    """However many requests wait, each holder is asked one question at a time."""

    def __init__(self, forwarder: Forwarder, placements: Placements) -> None:
        self._forwarder = forwarder
        self._placements = placements
        self._asking = asyncio.Lock()
        self._asked_s = -1.0

    async def written(self, _request: web.Request) -> None:
        """Return once all that was known before is on disk, within `WITHIN_S` in any case.

        The records of this instance are waited for where they are read.
        """
        came_s = asyncio.get_running_loop().time()
        async with self._asking:
            if self._asked_s >= came_s:
                return
            asked_s = asyncio.get_running_loop().time()
            await self._ask()
            self._asked_s = asked_s

    async def _ask(self) -> None:
        names = [x for x in self._placements.pbx_names if self._forwarder.holder(x) is not None]
        forward = Forward("", "", "", 0, wanted=WRITTEN)
        answers = await ask_owners(self._forwarder, names, forward, _ASKED, WITHIN_S)
        for pbx, answer in answers.items():
            if isinstance(answer, OwnerSilent):
                log.info("records_not_awaited", pbx=pbx, why=str(answer))
