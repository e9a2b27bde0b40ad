"""What a story needs to happen on a real PBX: phones, the API, and a pen for what people do."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import SippBehaviour
from bridge.testing.softphones.sipp_phone import SippPhone
from bridge.testing.softphones.softphone import AnswerPolicy, Softphone
from tests.pbx.calls.live_calls import statuses


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

    def transfers(self, call_id: str, who: str, to: str, **body: object) -> asyncio.Task[Answer]:
        """The app lets one party of the call transfer the other; the answer comes later."""
        self.says(
            f"the app lets {_short(who)} transfer the other to {_short(to)}",
            CallId=call_id,
            ActionOfApp="Transfer",
            ByExten=who,
            ToExten=to,
        )
        body = {"transferFromNumber": who, "sendCallTo": to, **body}
        return asyncio.create_task(self._acts(call_id, "Transfer", **body))

    async def parks(self, call_id: str, view: str, at_most_s: int) -> None:
        """The app lets the party of the view park the other."""
        self.says(f"the app lets the party of view {view} park the other for {at_most_s} s")
        body = {"phoneCallViewId": view, "maxInParking": at_most_s}
        answer = await self._acts(call_id, "Park", **body)
        assert answer.status == 200, answer.text

    def rings_for(
        self, call_id: str, action: str, phone: str, view: str = "00", *, status: int = 200
    ) -> asyncio.Task[None]:
        """The app has this phone rung, which does the action then; until the answer has come."""
        published_ms = time.time_ns() // 1_000_000

        async def asked() -> None:
            body = {"phoneCallViewId": view, "sendCallTo": phone}
            answer = await self._acts(call_id, action, **body)
            assert answer.status == status, answer.text
            self.says(
                f"the app has {_short(phone)} rung ({action})",
                CallId=await self._acting(call_id),
                ActionOfApp=action,
                OtherCallId=call_id,
                ViewId=view,
                ByExten=phone,
                AskedMs=str(published_ms),
            )

        return asyncio.create_task(asked())

    async def acting_rings(self, other: str) -> None:
        """Until the phone of the call that acts on this one rings."""

        async def rings() -> bool:
            acting = [x for x in await self.api.calls() if _acts_on(x, other)]
            return [statuses(x) for x in acting] == [[3]]

        await eventually(rings, 10)

    async def acting_over(self, other: str) -> None:
        """Until no call acts on this one any more."""

        async def over() -> bool:
            return not any(_acts_on(x, other) for x in await self.api.calls())

        await eventually(over, 10)

    async def _acts(self, call_id: str, action: str, **body: object) -> Answer:
        path = f"/uapi/phoneCalls/@me/@self/{call_id}"
        return await self.api.request("PUT", path, body={"action": action, **body})

    async def _acting(self, other: str) -> str:
        """The id of the call that acts, or has acted, on the other one."""
        calls = [*await self.api.calls(), *await self.api.ended_calls()]
        [found] = {x["id"] for x in calls if _acts_on(x, other)}
        return str(found)


def _acts_on(call: Any, other: str) -> bool:
    return bool(call.get("actsOn", {}).get("phoneCallId") == other)


def _short(number: str) -> str:
    return number.rpartition("*")[2]
