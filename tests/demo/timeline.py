"""Steps with the milliseconds since the call was ordered; the first that fails ends the demo."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from typing import TypeVar

_T = TypeVar("_T")


class StepFailed(Exception):
    """`str()` names the step and what went wrong."""


class Timeline:
    def __init__(self) -> None:
        self._begin = time.monotonic()

    def begin(self) -> None:
        """Count from now on."""
        self._begin = time.monotonic()

    async def step(self, name: str, work: Awaitable[_T]) -> _T:
        """Wait for `work` and print when it was done."""
        try:
            result = await work
        except Exception as why:
            print(f"{self._ms():>7} ms  FAILED  {name}", flush=True)
            raise StepFailed(f"{name}: {why}") from why
        print(f"{self._ms():>7} ms  {name}", flush=True)
        return result

    def _ms(self) -> int:
        return round((time.monotonic() - self._begin) * 1000)
