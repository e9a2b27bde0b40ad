"""A relay between the service and Asterisk's AMI, which can cut the link."""

from __future__ import annotations

import asyncio
import time

_ASKS = b"CoreShowChannels"
_LISTED = b"EventList: Complete"


class AmiRelay:
    """`asked`: when the last CoreShowChannels went through, of time.monotonic. `listed` is set when
    the end of its list does."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._pairs: list[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.asked = 0.0
        self.listed = asyncio.Event()

    async def start(self) -> None:
        # On the same address: the service finds AMI and ARI on one host.
        self._server = await asyncio.start_server(self._serve, self._host, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self.drop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def drop(self) -> None:
        """Cut every connection."""
        for pair in self._pairs:
            for writer in pair:
                writer.transport.abort()
        self._pairs.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
        self._pairs.append((writer, far_writer))
        for work in (self._copy(reader, far_writer), self._copy(far_reader, writer)):
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        end = b""  # of what was read before: a mark may lie across two reads
        try:
            while data := await reader.read(1 << 18):
                if data.startswith(b"Action") and _ASKS in data:
                    self.asked = time.monotonic()
                if _LISTED in end + data[: len(_LISTED)] or _LISTED in data:
                    self.listed.set()
                end = data[-len(_LISTED) :]
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()
