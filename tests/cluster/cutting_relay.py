"""A relay between two instances that breaks each connection where the test says."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from types import TracebackType


@dataclass(frozen=True)
class Cut:
    """After so many bytes the connection is reset, both ways; None: it is not.

    `to_server` counts the bytes of the request, `to_client` those of the answer.
    `to_server_after_head`, `to_client_after_head`: counted from the end of the head.
    """

    to_server: int | None = None
    to_server_after_head: int | None = None
    to_client: int | None = None
    to_client_after_head: int | None = None


class CuttingRelay:
    """`cuts`: of the next connections, in turn; none is left: they go on unharmed."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.cuts: list[Cut] = []
        self.connections = 0

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> CuttingRelay:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        cut = self.cuts.pop(0) if self.cuts else Cut()
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._server_port)
        ends = (writer, to_server)
        self._run(_pass_on(reader, to_server, cut.to_server, cut.to_server_after_head, ends))
        self._run(_pass_on(from_server, writer, cut.to_client, cut.to_client_after_head, ends))

    def _run(self, work: object) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _pass_on(
    source: asyncio.StreamReader,
    target: asyncio.StreamWriter,
    limit: int | None,
    after_head: int | None,
    ends: tuple[asyncio.StreamWriter, ...],
) -> None:
    seen = b""
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            before, seen = len(seen), seen + data
            if limit is None and after_head is not None and b"\r\n\r\n" in seen:
                limit = seen.index(b"\r\n\r\n") + 4 + after_head
            if limit is not None and len(seen) > limit:
                target.write(data[: max(0, limit - before)])
                await target.drain()
                await asyncio.sleep(0.05)  # the last bytes arrive before the end does
                break
            target.write(data)
            await target.drain()
    for end in ends:
        end.transport.abort()
