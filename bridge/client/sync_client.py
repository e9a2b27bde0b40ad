"""The same client for programs without an event loop: `with SyncUapiClient(…) as api`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from typing import Any, Self, TypeVar

from bridge.client.model import PhoneCall, Timeline
from bridge.client.uapi_client import StreamEvent, UapiClient

_Result = TypeVar("_Result")


async def _next(events: AsyncIterator[_Result]) -> _Result:
    return await anext(events)


class SyncUapiClient:
    """As UapiClient; every method waits. Belongs to one thread."""

    def __init__(self, url: str, client_id: str, client_secret: str, *, user: str = "@me") -> None:
        self._client = UapiClient(url, client_id, client_secret, user=user)
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        self._run(self._client.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._client.__aexit__())
        self._runner.close()

    def create_call(
        self, source: str | Sequence[str], destination: str | Sequence[str], **more: Any
    ) -> PhoneCall:
        """As UapiClient.create_call."""
        return self._run(self._client.create_call(source, destination, **more))

    def calls(self, extension: str = "@self", *, ended: bool = False) -> list[PhoneCall]:
        """As UapiClient.calls."""
        return self._run(self._client.calls(extension, ended=ended))

    def every_call(self, extension: str = "@self", *, ended: bool = False) -> Iterator[PhoneCall]:
        """As UapiClient.every_call."""
        return self._each(self._client.every_call(extension, ended=ended))

    def entries(
        self, path: str, query: Mapping[str, Any] | None = None
    ) -> Iterator[Mapping[str, Any]]:
        """As UapiClient.entries."""
        return self._each(self._client.entries(path, query))

    def call(self, call_id: str) -> PhoneCall | None:
        """As UapiClient.call."""
        return self._run(self._client.call(call_id))

    def timeline(self, call_id: str, extension: str = "@self") -> Timeline:
        """As UapiClient.timeline."""
        return self._run(self._client.timeline(call_id, extension))

    def hang_up(self, extension: str = "@self", call_id: str | None = None) -> list[str]:
        """As UapiClient.hang_up."""
        return self._run(self._client.hang_up(extension, call_id))

    def act(
        self, action: str, call_id: str, extension: str = "@self", **fields: object
    ) -> list[PhoneCall]:
        """As UapiClient.act."""
        return self._run(self._client.act(action, call_id, extension, **fields))

    def presence(self, extension: str = "@self") -> list[Mapping[str, Any]]:
        """As UapiClient.presence."""
        return self._run(self._client.presence(extension))

    def stream(self, extension: str = "@self") -> Iterator[StreamEvent]:
        """As UapiClient.stream."""
        return self._each(self._client.stream(extension))

    def request(self, method: str, path: str, **more: Any) -> Any:
        """As UapiClient.request."""
        return self._run(self._client.request(method, path, **more))

    def _each(self, items: AsyncGenerator[_Result, None]) -> Iterator[_Result]:
        try:
            while True:
                try:
                    item = self._run(_next(items))
                except StopAsyncIteration:
                    return
                yield item
        finally:
            self._run(items.aclose())

    def _run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return self._runner.run(work)
