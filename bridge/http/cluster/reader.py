"""The reader of a stream that comes from other instances: whether it is there, and may read on."""

from __future__ import annotations

import asyncio

from aiohttp import web

from bridge.directory.errors import ExtensionInvalid, UserInvalid
from bridge.http.context import ENDS
from bridge.http.errors import UapiError
from bridge.http.streaming import begin_answer, has_left
from bridge.http.uapi.stream.open_stream import HEARTBEAT_S
from bridge.http.uapi.stream.reach import followed_scope

LOOK_S = 1.0
"""So often it is looked at whether the reader has left."""

_WRITE_LIMIT_S = 10.0


class Reader:
    """`response`: not begun yet. The rights are looked at here: tokens are not sent on."""

    def __init__(self, request: web.Request, response: web.StreamResponse) -> None:
        self.response = response
        self._request = request
        self._numbers = self._extensions()
        self._rights_due_s = self._wrote_s = _now_s()

    @property
    def is_quiet(self) -> bool:
        """Whether the reader must hear something, be it a heartbeat."""
        return _now_s() - self._wrote_s >= HEARTBEAT_S

    async def begin(self, first: bytes = b"") -> None:
        """Send the head of the answer, and these events. Raises as `write`."""
        await begin_answer(self._request, self.response)
        self._rights_due_s = _now_s() + HEARTBEAT_S
        await self.write(first)

    async def write(self, events: bytes) -> None:
        """Raises TimeoutError for a reader that does not read, ConnectionError without one."""
        if events:
            async with asyncio.timeout(_WRITE_LIMIT_S):
                await self.response.write(events)
            self._wrote_s = _now_s()

    def goes_on(self) -> bool:
        """Whether the reader is there, its token still means these extensions, and we go on."""
        if has_left(self._request) or self._request.app[ENDS].is_set():
            return False
        if _now_s() < self._rights_due_s:
            return True
        self._rights_due_s = _now_s() + HEARTBEAT_S
        try:
            return self._extensions() == self._numbers
        except (UapiError, UserInvalid, ExtensionInvalid):
            return False

    def _extensions(self) -> frozenset[str]:
        return frozenset(x.number for x in followed_scope(self._request).extensions)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
