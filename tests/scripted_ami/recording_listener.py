"""A PbxListener that keeps all it hears, for tests to look at and to wait on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bridge.calls.state.pbx_events import PbxEvent, PbxSnapshot


class RecordingListener:
    """`heard` has everything in order: PbxSnapshot, PbxEvent, or the reason of a link down.
    `down_ms`: the moments of the last.

    `fails_on` makes `pbx_event` raise for the events it returns True for.
    """

    def __init__(self, fails_on: Callable[[PbxEvent], bool] = lambda _: False) -> None:
        self.heard: list[PbxSnapshot | PbxEvent | str] = []
        self.down_ms: list[int] = []
        self._fails_on = fails_on
        self._changed = asyncio.Event()

    def link_up(self, snapshot: PbxSnapshot) -> None:
        self._add(snapshot)

    def link_down(self, at_ms: int, why: str) -> None:
        self.down_ms.append(at_ms)
        self._add(why)

    def pbx_event(self, event: PbxEvent) -> None:
        self._add(event)
        if self._fails_on(event):
            raise RuntimeError("the listener failed, as the test wanted")

    @property
    def snapshots(self) -> list[PbxSnapshot]:
        return [one for one in self.heard if isinstance(one, PbxSnapshot)]

    @property
    def events(self) -> list[PbxEvent]:
        return [one for one in self.heard if isinstance(one, PbxEvent)]

    @property
    def downs(self) -> list[str]:
        return [one for one in self.heard if isinstance(one, str)]

    async def until(self, condition: Callable[[], bool], timeout: float = 30) -> None:
        """Until it holds; looked at again after everything heard."""
        async with asyncio.timeout(timeout):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def _add(self, heard: PbxSnapshot | PbxEvent | str) -> None:
        self.heard.append(heard)
        self._changed.set()
