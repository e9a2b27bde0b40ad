"""Keeps the calls of phones back that an edge has sent, until their node has taken them.

An Asterisk that was frozen executes the INVITEs that wait in its socket. Its dialplan ([uapi-edge]
in extensions-bridge.conf) ends those that are too old, since another node has the call by then.
Their channels are nobody's calls, so nothing of them is handed on.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping

from bridge.pbx.ami.message import Headers

HELD_S = 1.0
"""A dialplan may do much before its first event: a call is handed on then at the latest."""
HELD_MAX = 1000
"""More channels than these at a time: the oldest is handed on."""

_RING = "4"
_FROM_EDGE = re.compile(r"t[0-9]{10}(.+)\Z", re.DOTALL)


def waits_for_check(headers: Mapping[str, str]) -> bool:
    """Whether the channel in these headers has an exten of the edge, and has not left it."""
    return (
        headers.get("ChannelState") == _RING
        and _FROM_EDGE.match(headers.get("Exten", "")) is not None
    )


class EdgeGate:
    """Stands between one connection and its events. Everything comes out in the order of its
    release."""

    def __init__(self, put: Callable[[Headers], None]) -> None:
        self._put = put
        self._held: dict[str, Headers] = {}

    def put(self, headers: Headers) -> None:
        """An event as it came."""
        if headers.get("Event") == "Newchannel" and waits_for_check(headers):
            self._hold(headers)
            return
        if self._held:
            uniqueid = headers.get("Uniqueid", "")
            if uniqueid in self._held and waits_for_check(headers):
                if headers.get("Event") == "Hangup":
                    del self._held[uniqueid]
                return
            self._release(uniqueid)
            # The phone that it calls is told before anything else of it.
            self._release(headers.get("Linkedid", ""))
        self._put(headers)

    def _hold(self, headers: Headers) -> None:
        if len(self._held) >= HELD_MAX:
            self._release(next(iter(self._held)))
        uniqueid = headers.get("Uniqueid", "")
        self._held[uniqueid] = headers
        asyncio.get_running_loop().call_later(HELD_S, self._release, uniqueid)

    def _release(self, uniqueid: str) -> None:
        headers = self._held.pop(uniqueid, None)
        if headers is None:
            return
        found = _FROM_EDGE.match(headers.get("Exten", ""))
        self._put({**headers, "Exten": found[1] if found else headers.get("Exten", "")})
