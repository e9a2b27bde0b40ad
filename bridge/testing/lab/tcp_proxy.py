"""A TCP connection that can be cut, frozen or slowed down, between the service and the PBX."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Coroutine
from pathlib import Path

from bridge.testing.eventually import eventually

# Bytes of one side, each part with the moment from which it may be passed on; b"" is the end.
_UnderWay = asyncio.Queue[tuple[float, bytes]]


class TcpProxy:
    """Listens on `port` of 127.0.0.1 and forwards to `server_port`, which may be set later.

    `server_path`: the Unix socket of the server, instead of a port.

    A frozen way goes on reading. All that it has read is sent on when thawed, in order, even if the
    sender has gone by then. The end of the stream follows.
    """

    def __init__(self) -> None:
        self.server_port = 0
        self.server_path: Path | None = None
        self.refuses = False
        """Whether new connections are closed at once."""
        self.delay_s = 0.0
        """Added to everything, in both directions."""
        self.held = b""
        """The bytes that the client has sent since freeze_to_server()."""
        self._to_server = _gate()
        self._to_client = _gate()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        """Listen. `tls`: end the client's TLS here; the server is asked in the clear."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=tls)

    async def stop(self) -> None:
        self.cut()
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Reset every connection; what is frozen is lost."""
        for writer in self._writers:
            writer.transport.abort()
        for task in self._tasks:
            task.cancel()

    def freeze_to_server(self) -> None:
        self.held = b""
        self._to_server.clear()

    def freeze_to_client(self) -> None:
        self._to_client.clear()

    def thaw(self) -> None:
        self._to_server.set()
        self._to_client.set()

    async def wait_held(self, text: bytes, time_limit_s: float = 10.0) -> None:
        """Until the client has sent this into the frozen connection."""
        await eventually(
            lambda: text in self.held,
            time_limit_s,
            why=lambda: f"{text!r} was not sent: {self.held!r}",
        )

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            writer.transport.abort()
            return
        try:
            from_server, to_server = await self._connected()
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, to_server}
        for source, target, gate in (
            (reader, to_server, self._to_server),
            (from_server, writer, self._to_client),
        ):
            under_way: _UnderWay = asyncio.Queue()
            self._run(self._read(source, under_way, gate))
            self._run(self._pass_on(under_way, target, gate))

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.server_path is not None:
            return await asyncio.open_unix_connection(self.server_path)
        return await asyncio.open_connection("127.0.0.1", self.server_port)

    def _run(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(
        self, source: asyncio.StreamReader, under_way: _UnderWay, gate: asyncio.Event
    ) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                if gate is self._to_server and not gate.is_set():
                    self.held += data
                under_way.put_nowait((loop.time() + self.delay_s, data))
        under_way.put_nowait((loop.time() + self.delay_s, b""))

    async def _pass_on(
        self, under_way: _UnderWay, target: asyncio.StreamWriter, gate: asyncio.Event
    ) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while True:
                due, data = await under_way.get()
                if (early_s := due - loop.time()) > 0:
                    await asyncio.sleep(early_s)  # what a slow network does
                await gate.wait()
                if not data:
                    break
                target.write(data)
            target.close()


def _gate() -> asyncio.Event:
    gate = asyncio.Event()
    gate.set()
    return gate
