"""Remote control of one baresip: the ctrl_tcp module, JSON in netstrings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from .ports import LOOPBACK


class CommandFailedError(RuntimeError):
    """baresip refused a command, or did not answer it in time."""


class BaresipControl:
    """One connection; baresip answers commands in order and mixes events between."""

    def __init__(self, on_event: Callable[[dict[str, Any]], None]) -> None:
        self._on_event = on_event
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._count = 0

    async def connect(self, port: int) -> None:
        """Raises OSError while baresip does not listen yet."""
        self._reader, self._writer = await asyncio.open_connection(LOOPBACK, port)
        self._task = asyncio.create_task(self._read())

    async def command(self, name: str, params: str = "", *, timeout_s: float = 30.0) -> str:
        """Run one of baresip's long commands; returns what it printed."""
        if self._writer is None:
            raise CommandFailedError(f"{name}: not connected to baresip")
        self._count += 1
        token = str(self._count)
        request = {"command": name, "token": token}
        if params:
            request["params"] = params
        payload = json.dumps(request, ensure_ascii=False).encode()
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[token] = future
        try:
            self._writer.write(b"%d:%s," % (len(payload), payload))
            await self._writer.drain()
            answer = await asyncio.wait_for(future, timeout_s)
        except TimeoutError:
            raise CommandFailedError(f"{name} {params}: no answer within {timeout_s} s") from None
        finally:
            self._waiting.pop(token, None)
        if not answer.get("ok"):
            raise CommandFailedError(f"{name} {params}: {answer.get('data')}")
        return str(answer.get("data", ""))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()

    async def _read(self) -> None:
        assert self._reader is not None
        try:
            while True:
                length = int((await self._reader.readuntil(b":"))[:-1])
                payload = (await self._reader.readexactly(length + 1))[:-1]
                self._dispatch(json.loads(payload.decode("utf-8", "replace"), strict=False))
        except (asyncio.IncompleteReadError, ConnectionError):
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(
                        CommandFailedError("baresip closed the control connection")
                    )

    def _dispatch(self, message: dict[str, Any]) -> None:
        if message.get("response"):
            future = self._waiting.get(str(message.get("token")))
            if future is not None and not future.done():
                future.set_result(message)
        elif message.get("event"):
            self._on_event(message)
