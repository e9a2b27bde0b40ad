"""HTTP/1.1 with as little as it takes, so that the client is no part of what is measured."""

from __future__ import annotations

import asyncio

_ANSWER_LIMIT_S = 30


class BareHttp:
    """Connections that are kept open, as many as there are requests at the same time."""

    def __init__(self, host: str, port: int, headers: str) -> None:
        """`headers`: those of every request, each ending in CR LF."""
        self._host = host
        self._port = port
        self._headers = f"Host: {host}:{port}\r\n{headers}"
        self._idle: list[_Connection] = []

    async def request(
        self, method: str, path: str, body: bytes = b"", headers: str = ""
    ) -> tuple[int, bytes]:
        """Status and body. `headers`: further ones, as those of every request."""
        while self._idle and not self._idle[-1].open:
            self._idle.pop()
        connection = self._idle.pop() if self._idle else await self._connect()
        head = (
            f"{method} {path} HTTP/1.1\r\n{self._headers}{headers}"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        async with asyncio.timeout(_ANSWER_LIMIT_S):
            status, answer = await connection.exchange(head.encode() + body)
        if connection.open:
            self._idle.append(connection)
        return status, answer

    async def close(self) -> None:
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(_Connection, self._host, self._port)
        return protocol


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self.open = True
        self._data = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    async def exchange(self, request: bytes) -> tuple[int, bytes]:
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, found, body = self._data.partition(b"\r\n\r\n")
        if not found or self._answer is None:
            return
        fields = head.lower()
        status = int(head[9:12])
        _, has_length, length = fields.partition(b"\r\ncontent-length:")
        wanted = int(length.split(b"\r\n", 1)[0]) if has_length else 0
        if len(body) < wanted:
            return
        if b"\r\nconnection: close" in fields:
            self.open = False
            self._transport.close()
        self._data = b""
        answer, self._answer = self._answer, None
        if not answer.done():  # nobody waits any more
            answer.set_result((status, body))

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError(f"the server hung up: {exc}"))
