"""Work that many ask for and that is done once for all of them, a while later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Later:
    """`work` is begun `delay_s` after it was asked for; who asks meanwhile gets another one."""

    def __init__(self, delay_s: float, work: Callable[[], None]) -> None:
        self._delay_s = delay_s
        self._work = work
        self._timer: asyncio.TimerHandle | None = None
        self._again = False

    def ask(self) -> None:
        if self._timer is not None:
            self._again = True
            return
        self._timer = asyncio.get_running_loop().call_later(self._delay_s, self._begin)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _begin(self) -> None:
        self._timer = None
        if self._again:
            self._again = False
            self.ask()
        self._work()
