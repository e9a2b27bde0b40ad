"""Hints between instances of one test, which may get lost."""

from __future__ import annotations

from collections import defaultdict

from bridge.cluster.hints import Hear


class GivenHints:
    """Implements Hints. `lost`: no hint arrives."""

    def __init__(self) -> None:
        self.lost = False
        self._listeners: defaultdict[str, list[Hear]] = defaultdict(list)

    def listen(self, channel: str, hear: Hear) -> None:
        self._listeners[channel].append(hear)

    def notify(self, channel: str, payload: str) -> None:
        if not self.lost:
            for hear in self._listeners[channel]:
                hear(payload)
