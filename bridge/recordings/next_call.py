"""Waiting for the next call of a number, without holding anything else up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bridge.calls.phone_call import PhoneCall
from bridge.calls.tracker import Change

Wanted = Callable[[PhoneCall], bool]


class NextCalls:
    """An observer of the switchboard; each who waits is told the first call it wants."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[PhoneCall], Wanted] = {}

    def changed(self, change: Change) -> None:
        if not self._waiting or change.after.final is not None:
            return
        for future, wanted in list(self._waiting.items()):
            if not future.done() and wanted(change.after):
                future.set_result(change.after)

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
