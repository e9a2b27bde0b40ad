"""A request that another instance has sent here, for a client of its own.

Nothing else of several instances is needed here, so one instance loads nothing more of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web


@dataclass(frozen=True, slots=True)
class ForwardedRequest:
    """The statement of the other instance. It is proved that an instance has stated it.

    `sender`: the name of that instance. `pbx`: the PBX that the request is for; empty: none in
    particular. `principal`: the client id that it has authenticated; empty: none. `wanted`: what to
    answer with; empty: with the answer to the request. `until_s`: nobody begins with it later, by
    the clock of the event loop.
    """

    sender: str
    pbx: str
    principal: str
    wanted: str
    until_s: float


FORWARDED = web.RequestKey("forwarded", ForwardedRequest)
"""Not there in a request that a client has sent to this instance."""

CALL_ID = web.RequestKey("chosen_call_id", str)
"""The id that the first call of a create shall have, where an instance has chosen one."""

ACCEPTED = web.RequestKey("accepted", bool)
"""There once the calls of a create are on disk: no other instance may carry the request out."""

ENDED = web.RequestKey("call_ended", bool)
"""There if the call in the path has its final record: all of it is on disk, and no PBX is asked."""

REFUSED_HEADER = "X-Bridge-Refused"
"""In the answer to a forwarded request of an API whose refusals have status 200."""
