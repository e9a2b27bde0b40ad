"""A reader of server-sent events, as a browser's EventSource reads them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from .api_client import ApiClient

_UNLIMITED = aiohttp.ClientTimeout(total=None)


@dataclass(frozen=True)
class SentEvent:
    """`data` is the parsed JSON."""

    id: str
    kind: str
    data: Any


class EventReader:
    """`events`: all that came until now. `comments`: lines without data, heartbeats among them."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.events: list[SentEvent] = []
        self.comments: list[str] = []

    @property
    def last_id(self) -> str:
        return self.events[-1].id

    async def next(self, time_limit_s: float = 10.0) -> SentEvent:
        """The next event. Raises TimeoutError, and EOFError at the end of the stream."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(time_limit_s):
            async for raw in self.answer.content:
                line = raw.decode().removesuffix("\n")
                if line.startswith(":"):
                    self.comments.append(line)
                elif line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif "data" in fields:
                    event = SentEvent(
                        fields.get("id", ""), fields["event"], json.loads(fields["data"])
                    )
                    self.events.append(event)
                    return event
                else:
                    fields = {}
        raise EOFError

    async def until(self, wanted: Callable[[SentEvent], bool]) -> SentEvent:
        """The first event from now on that is as wanted."""
        while True:
            event = await self.next()
            if wanted(event):
                return event


@asynccontextmanager
async def read_stream(
    api: ApiClient, extension: str = "@self", *, last_id: str = "", **query: str
) -> AsyncIterator[EventReader]:
    """The stream of an extension, continued after `last_id` if one is given."""
    path = f"/uapi/phoneCalls/@me/{extension}/stream"
    async with read_events(api, path, last_id=last_id, **query) as reader:
        yield reader


@asynccontextmanager
async def read_events(
    api: ApiClient, path: str, *, last_id: str = "", **query: str
) -> AsyncIterator[EventReader]:
    """The stream of that path."""
    token = api.token or await api.authenticate()
    headers: Mapping[str, str] = {
        "Authorization": f"Bearer {token}",
        **({"Last-Event-ID": last_id} if last_id else {}),
    }
    url = f"{api.base_url}{path}"
    async with api.http.get(url, headers=headers, params=query, timeout=_UNLIMITED) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "text/event-stream"
        yield EventReader(answer)
