"""Calls that another instance has accepted, and of which no channel is known."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Set

from bridge.calls.live.call_index import CallIndex
from bridge.calls.state.phone_call import Origin, PhoneCall


class CallsOfLostInstance:
    """That instance may still be alive, and an Originate of it may come late.

    So each call waits `grace_s` for its channel, as one that is accepted now. Its own moments are
    of another machine's clock, which may be wrong.
    """

    def __init__(self, live: CallIndex, grace_s: float) -> None:
        self._live = live
        self._grace_s = grace_s
        self._until_s = 0.0  # of the loop's clock
        self._ids: set[str] = set()

    def take_over(self, calls: Iterable[PhoneCall]) -> None:
        """These are live calls of the PBX, as they are on disk."""
        self._until_s = asyncio.get_running_loop().time() + self._grace_s
        self._ids = {x.id for x in calls if x.origin is Origin.API and not _is_heard_of(x)}

    def unheard_of(self) -> Set[str]:
        """The ids of the live ones that still have no channel."""
        if self._ids:
            self._ids = {x.id for x in self._live if x.id in self._ids and not _is_heard_of(x)}
        return self._ids

    @property
    def may_come(self) -> bool:
        """Whether a channel of them may still come."""
        return asyncio.get_running_loop().time() < self._until_s


def _is_heard_of(call: PhoneCall) -> bool:
    return bool(call.channels) or any(x.uniqueid is not None for x in call.legs)
