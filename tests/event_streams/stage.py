"""What a story needs to happen on a real PBX: phones, the API, and a pen for what people do."""

from __future__ import annotations

import json
import time
from contextlib import AsyncExitStack
from pathlib import Path

from tests.lab.api_client import ApiClient
from tests.lab.running_lab import RunningLab
from tests.softphones.sipp_behaviour import SippBehaviour
from tests.softphones.sipp_phone import SippPhone
from tests.softphones.softphone import AnswerPolicy, Softphone


class Stage:
    """`lines`: file to which the service records; what people do goes between its lines."""

    def __init__(self, lab: RunningLab, api: ApiClient, lines: Path) -> None:
        self.lab = lab
        self.api = api
        self._lines = lines
        self._phones = AsyncExitStack()

    async def phone(self, number: str, answer: AnswerPolicy = "manual") -> Softphone:
        return await self._phones.enter_async_context(self.lab.phone(number, answer=answer))

    async def scripted(self, number: str, behaviour: SippBehaviour) -> SippPhone:
        return await self._phones.enter_async_context(self.lab.scripted(number, behaviour))

    async def close(self) -> None:
        await self._phones.aclose()

    def says(self, what: str, **more: str) -> None:
        """Note what somebody is about to do."""
        headers = {"Event": "Story", "Text": what, **more}
        line = {"received_ms": time.time_ns() // 1_000_000, "headers": headers}
        with self._lines.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    async def posts(self, source: list[str], destination: list[str], **query: str) -> str:
        """The app of user 12 creates a call that 0003*210 pays; returns its id."""
        published_ms = time.time_ns() // 1_000_000
        call_id = await self.api.place(source, destination, extension="0003*210", **query)
        self.says(
            "the app creates a call",
            CallId=call_id,
            PublishedMs=str(published_ms),
            Sources=" ".join(source),
            Destinations=" ".join(destination),
            DurationS=query.get("callDuration", "7200"),
        )
        return call_id

    async def deletes(self, call_id: str) -> None:
        """Hang the call up through the API."""
        self.says("the app deletes the call", CallId=call_id)
        answer = await self.api.hang_up("@self", call_id)
        assert answer.status == 200, answer.text
