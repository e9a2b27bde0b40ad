"""One keep-alive connection, byte for byte, to an application behind the service's own server."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from bridge.config.settings import Settings
from bridge.http.server import close_http, start_http
from bridge.testing.lab.free_port import free_http_port
from bridge.wiring.http import server_settings

TIME_LIMIT_S = 30.0


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[int]:
    """The port that it is served at."""
    settings = Settings(http_port=free_http_port(), shutdown_timeout_s=1)
    runner = await start_http(app, server_settings(settings))
    try:
        yield settings.http_port
    finally:
        await close_http(runner)


@dataclass(frozen=True)
class RawClient:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def ask(self, path: str, more: str = "") -> None:
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode())

    async def until_closed(self) -> bytes:
        """All that comes until the server closes, in order or not."""
        data = bytearray()
        async with asyncio.timeout(TIME_LIMIT_S):
            try:
                while chunk := await self.reader.read(1 << 20):
                    data += chunk
            except ConnectionError:
                pass
        return bytes(data)

    async def read_once(self) -> bytes:
        async with asyncio.timeout(TIME_LIMIT_S):
            return await self.reader.read(1 << 16)

    def reset(self) -> None:
        """Leave as a process that is killed does."""
        self.writer.transport.abort()


@asynccontextmanager
async def raw_client(port: int, receive_buffer: int = 0) -> AsyncIterator[RawClient]:
    """`receive_buffer`: bytes that the kernel takes while the client does not read."""
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=1024)
    try:
        yield RawClient(reader, writer)
    finally:
        writer.transport.abort()
