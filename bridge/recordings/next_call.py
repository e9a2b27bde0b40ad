"""Waiting for the next call of a number, without holding anything else up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bridge.calls.live.change import Change
from bridge.calls.state.phone_call import PhoneCall

Wanted = Callable[[PhoneCall], bool]


class NextCalls:
    """An observer of the switchboard; each who waits is told the first call it wants."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[PhoneCall], Wanted] = {}

    def changed(self, change: Change) -> None:
        """Observer of the switchboard: give the call to each caller that waits for such a call.

        An exception of a condition goes to its own caller.
        """
        if not self._waiting or change.after.final is not None:
            return
        for future, wanted in list(self._waiting.items()):
            if future.done():
                continue
            try:
                if wanted(change.after):
                    future.set_result(change.after)
            except Exception as fault:  # of one who waits; the others are told all the same
                future.set_exception(fault)

    @contextmanager
    def expected(self, wanted: Wanted) -> Iterator[asyncio.Future[PhoneCall]]:
        """The next call that is wanted, until the block ends; nothing of it is left behind."""
        future: asyncio.Future[PhoneCall] = asyncio.get_running_loop().create_future()
        self._waiting[future] = wanted
        try:
            yield future
        finally:
            del self._waiting[future]
            future.cancel()
