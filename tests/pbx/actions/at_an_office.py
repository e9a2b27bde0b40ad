"""An office, an app in it, and what both do."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.softphones.plain_phone import PlainPhone
from tests.office.open_office import Office


@dataclass
class At:
    """An office and an app in it; `phone("210")`."""

    office: Office
    api: ApiClient

    def phone(self, number: str) -> PlainPhone:
        return self.office.phones[number]

    async def put(self, call_id: str, action: str, **fields: object) -> Answer:
        path = f"/uapi/phoneCalls/@me/@self/{call_id}"
        return await self.api.request("PUT", path, body={"action": action, **fields})

    async def act(self, call_id: str, action: str, to: str, view: str = "00") -> Answer:
        return await self.put(call_id, action, phoneCallViewId=view, sendCallTo=to)

    async def done(self, call: Any, action: str, **fields: object) -> Any:
        """An action that must succeed; the call then, which is the same one."""
        answer = await self.put(call["id"], action, **fields)
        assert answer.status == 200, answer.text
        assert answer.json["id"] == call["id"]
        return answer.json

    async def ends(self, call: Any, ended_by: str, *phones: str) -> Any:
        """These phones are free, and the call has its one record, which is answered."""
        for number in phones:
            await self.phone(number).free()
        record = await self.api.wait_ended(call["id"])
        assert (record["disposition"], record["endedBy"]) == (0, ended_by), record
        return record

    async def call(self, seen: dict[str, int]) -> Any:
        """The one call in which these extensions have these statuses."""

        async def found() -> Any:
            calls = await self.api.calls("@self")
            views = [[(short(x), x["status"]) for x in call["phoneCallView"]] for call in calls]
            return calls[0] if [sorted(x) for x in views] == [sorted(seen.items())] else None

        return await eventually(found, 10)

    async def bridge_of(self, number: str) -> str:
        """Of the phone's channel; empty if it talks to nobody and waits for nobody."""
        name = f"PJSIP/{number}-"
        [found] = [x for x in await self.office.crm.channels() if x["Channel"].startswith(name)]
        return found.get("BridgeId", "")

    async def park(self) -> None:
        """211 parks the other side of its call."""
        [call] = self.phone("211").calls
        assert await call.refer("700") == 202
        async with asyncio.timeout(10):
            await call.transferred.wait()
        await call.hang_up()

    async def connected(self, one: str, other: str) -> None:
        """Once the two are in one bridge: a phone has answered before that."""

        async def together() -> bool:
            return await self.bridge_of(one) == await self.bridge_of(other) != ""

        await eventually(together, 10)

    async def crm_parks(self, number: str, parker: str) -> None:
        """Somebody else's AMI client parks that phone for a minute."""

        async def talking() -> str:
            """Asterisk answers a phone before it is in a bridge, and parks nobody who is not."""
            channels = await self.office.crm.channels()
            mine = [x for x in channels if x["Channel"].startswith(f"PJSIP/{number}-")]
            return next((x["Channel"] for x in mine if x.get("BridgeId")), "")

        done = await self.office.crm.action(
            "Park",
            Channel=await eventually(talking),
            TimeoutChannel=f"PJSIP/{parker}-1",
            Timeout="60000",
        )
        assert done["Response"] == "Success", done

    async def has_parked(self, call: Any, at_most_s: int = 60) -> None:
        """The app lets 211 park the other side of that call."""
        [view] = [x["id"] for x in call["phoneCallView"] if short(x) == "211"]
        answer = await self.put(call["id"], "Park", phoneCallViewId=view, maxInParking=at_most_s)
        assert answer.status == 200, answer.text

    async def talk(self, dials: str = "211") -> Any:
        """210 dials, 211 answers."""
        self.phone("211").answers_after_s = 0.05
        await self.phone("210").dial(dials)
        return await self.call({"210": 5, "211": 5})


def short(view: Any) -> str:
    return str(view["extension"]).rpartition("*")[2]


def with_more_extensions(directory: Path, copy: Path) -> Path:
    """The directory with a conference that has a number, the name of a queue, and an extension that
    pays callbacks."""
    text = directory.read_text()
    before = "{number: 0003*500, type: Conference, user: 12, "
    after = f"{before}may_call_public: yes, conferences: [{{number: 1234, pin: 9876}}], "
    more = "      - {number: 0003*650, type: Callback, user: 12, may_call_public: yes}\napps:\n"
    queue = "dial: Local/300@from-internal/n}"
    named = queue.replace("}", ", queue: {name: 300}}")
    assert before in text
    assert queue in text
    text = text.replace(before, after).replace(queue, named)
    copy.write_text(text.replace("apps:\n", more))
    return copy
