"""A story that happens now and is written down, whatever the service says of it."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient

from .events import OfficeEvents
from .live_stage import LiveStage
from .open_office import Office
from .telling import extended

_SETTLED_S = 0.4


class RecordedStage(LiveStage):
    """`lines`: where the service writes its events; what people do goes between them."""

    def __init__(self, office: Office, api: ApiClient, events: OfficeEvents, lines: Path) -> None:
        self._lines = lines
        super().__init__(office, api, events)

    def says(self, what: str, **more: str) -> None:
        super().says(what)
        line = {
            "received_ms": time.time_ns() // 1_000_000,
            "headers": {"Event": "Story", "Text": what, **more},
        }
        with self._lines.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    async def posts(self, source: list[str], destination: list[str], **query: str) -> str:
        published_ms = time.time_ns() // 1_000_000
        call_id = await super().posts(source, destination, **query)
        self.says(
            "the app creates a call",
            CallId=call_id,
            PublishedMs=str(published_ms),
            Sources=" ".join(extended(x) for x in source),
            Destinations=" ".join(extended(x) for x in destination),
            DurationS="7200",
        )
        return call_id

    async def deletes(self, *, call_id: str = "", extension: str = "", number: str = "") -> None:
        """If the service does not find the call, its channels are hung up from the console."""
        named = {"CallId": call_id} if call_id else {}
        self.says("the app deletes the call", Deleted=call_id or extension or number, **named)
        query = {"phoneNumber": number} if number else {}
        answer = await self.api.hang_up(extension or "@self", call_id, **query)
        await asyncio.sleep(_SETTLED_S)  # the last events are recorded as well
        if answer.status != 200:
            await self.office.asterisk.pbx.console("channel request hangup all")

    async def sees(self, when: str, *calls: str) -> None:
        await asyncio.sleep(_SETTLED_S)  # the last events are recorded as well
        self.says(f"seen: {when}")

    async def taken_by(self, when: str, by: str) -> None:
        await self.sees(when)

    async def told_of(self, extension: str, kind: str, **parameters: str) -> None: ...

    async def ends(self, *records: str, **told: str) -> None:

        async def none() -> bool:
            return not await self.channels()

        await eventually(none, timeout=10)
        await asyncio.sleep(_SETTLED_S)  # the last events are recorded as well
