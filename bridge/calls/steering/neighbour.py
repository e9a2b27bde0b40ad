"""The channel that a party of a call talks to, which an action is about to move."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from bridge.calls.live.call_index import CallIndex
from bridge.calls.pbx import PbxRefused
from bridge.calls.state.phone_call import Leg
from bridge.calls.steering.errors import ActionFailed
from bridge.calls.steering.live_call import still_live

SOON_S, _LOOK_S = 1.0, 0.05
_TRIES = 3

Done = TypeVar("Done")


class PbxNeighbour(Protocol):
    """The part of PbxNeighbours that is asked here."""

    async def neighbour(self, uniqueid: str) -> str | None:
        """As PbxNeighbours says."""


async def neighbour_of(calls: CallIndex, pbx: PbxNeighbour, call_id: str, party: Leg) -> str:
    """The uniqueid of the channel of this call that the party's own channel talks to.

    A phone has answered before the PBX connects it. Local channels between two parties leave only
    then, and for a moment nobody or somebody else is next to the party. So the PBX is asked again
    for SOON_S seconds. Raises ActionFailed if there is none then, or the call ends; PbxUnavailable,
    PbxOutcomeUnknown.
    """
    asked = 0
    while True:
        found = await pbx.neighbour(party.uniqueid or "")
        if found is not None and found in still_live(calls, call_id).channels:
            return found
        asked += 1
        if asked * _LOOK_S >= SOON_S:
            raise ActionFailed(f"{party.number} talks to nobody of this call")
        await asyncio.sleep(_LOOK_S)
        still_live(calls, call_id)


async def with_neighbour(
    find: Callable[[], Awaitable[str]], act: Callable[[str], Awaitable[Done]]
) -> Done:
    """Find a channel, and return the answer of `act` for it.

    A Local channel may leave between the two. The PBX then refuses, and nothing has happened: `act`
    is tried with the channel that is there now. Raises as both do.
    """
    channel = await find()
    for _ in range(_TRIES - 1):
        try:
            return await act(channel)
        except PbxRefused:
            now = await find()
            if now == channel:
                raise
            channel = now
    return await act(channel)
