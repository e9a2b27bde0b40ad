"""Conditions under which calls or recordings fail: logged when they begin, and when they end."""

from __future__ import annotations

import logging
import time

import structlog

log = structlog.get_logger()


class Condition:
    """`began` and `ended` are the events of its two log lines; both stand in docs/log-events.md.

    `problem` says why the condition holds; it is empty while the condition does not hold. `details`
    are in both lines. `level` is the level of the first line (a constant of the module logging);
    the second line is a warning.
    """

    def __init__(
        self, began: str, ended: str, *, level: int = logging.ERROR, **details: object
    ) -> None:
        self._began = began
        self._ended = ended
        self._level = level
        self._details = details
        self._since_s = 0.0
        self._times = 0
        self.problem = ""

    @property
    def holds(self) -> bool:
        """Whether the problem lasts."""
        return bool(self.problem)

    def begin(self, why: str, **details: object) -> None:
        """The condition holds, because of `why`. Only the change from not holding is logged."""
        if not self.holds:
            self._since_s, self._times = time.monotonic(), 0
            log.log(self._level, self._began, why=why, **self._details, **details)
        self._times += 1
        self.problem = why or "unknown"

    def end(self, **details: object) -> None:
        """The condition does not hold any more. Only the change is logged."""
        if self.holds:
            lasted_s = round(time.monotonic() - self._since_s, 1)
            log.warning(
                self._ended,
                lasted_s=lasted_s,
                times=self._times,
                **self._details,
                **details,
            )
            self.problem = ""
