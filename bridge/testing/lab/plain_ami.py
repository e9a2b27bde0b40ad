"""AMI without any library: what Asterisk really sends, in order."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

Fields = dict[str, str]


class PlainAmi:
    """Logged in by open(); `events` keeps everything except answers to actions."""

    def __init__(self) -> None:
        self.events: list[Fields] = []
        self._answers: dict[str, asyncio.Future[Fields]] = {}
        self._new = asyncio.Event()
        self._ids = itertools.count(1)

    async def open(self, host: str, port: int, user: str, secret: str) -> None:
        self._reader, self._writer = await asyncio.open_connection(host, port)
        await self._reader.readline()  # "Asterisk Call Manager/x.y"
        self._task = asyncio.create_task(self._read())
        answer = await self.action("Login", Username=user, Secret=secret)
        assert answer["Response"] == "Success", answer

    async def close(self) -> None:
        self._writer.close()
        await self._task

    async def action(self, name: str, *more: tuple[str, str], **fields: str) -> Fields:
        """Send an action, return its answer."""
        action_id = str(next(self._ids))
        self._answers[action_id] = asyncio.get_running_loop().create_future()
        lines = [("Action", name), ("ActionID", action_id), *fields.items(), *more]
        text = "".join(f"{key}: {value}\r\n" for key, value in lines)
        self._writer.write(text.encode() + b"\r\n")
        return await asyncio.wait_for(self._answers[action_id], 5)

    async def channels(self) -> list[Fields]:
        """Those that live now; what lists them is not among `events` afterwards."""
        action_id = (await self.action("CoreShowChannels"))["ActionID"]

        def listed(event: Fields) -> bool:
            return event.get("ActionID") == action_id

        await self.wait_for(lambda x: listed(x) and x["Event"] == "CoreShowChannelsComplete")
        found = [x for x in self.events if listed(x) and x["Event"] == "CoreShowChannel"]
        self.events = [x for x in self.events if not listed(x)]
        return found

    async def wait_for(self, wanted: Callable[[Fields], bool], timeout_s: float = 20) -> Fields:
        """The first event, past or to come, that is wanted."""
        async with asyncio.timeout(timeout_s):
            while True:
                for event in self.events:
                    if wanted(event):
                        return event
                self._new.clear()
                await self._new.wait()

    async def _read(self) -> None:
        fields: Fields = {}
        while line := await self._reader.readline():
            text = line.decode().rstrip("\r\n")
            if text:
                key, _, value = text.partition(": ")
                fields[key.rstrip(":")] = value
                continue
            waiting = self._answers.pop(fields.get("ActionID", ""), None)
            if waiting is not None and "Response" in fields:
                waiting.set_result(fields)
            else:
                if waiting is not None:
                    self._answers[fields["ActionID"]] = waiting
                self.events.append(fields)
                self._new.set()
            fields = {}
