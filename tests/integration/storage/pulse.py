"""How long the event loop stands still."""

from __future__ import annotations

import asyncio
import time

STANDS_STILL_S = 0.020


class Pulse:
    """The longest time that the event loop has computed without giving others a turn.

    In seconds of CPU of its thread: what other processes take on a loaded machine does not count.
    """

    def __init__(self) -> None:
        self.worst_s = 0.0

    async def beat(self) -> None:
        while True:
            began_s = time.thread_time()
            await asyncio.sleep(0.0005)  # what is measured: how late it wakes
            self.worst_s = max(self.worst_s, time.thread_time() - began_s)
