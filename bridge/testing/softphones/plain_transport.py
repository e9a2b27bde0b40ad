"""How the messages of a PlainPhone travel: UDP, TCP, TLS or (secure) WebSocket."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable
from typing import Literal, Protocol

import aiohttp

from .ports import address_towards

TransportName = Literal["udp", "tcp", "tls", "ws", "wss"]
Address = tuple[str, int]
_LENGTH = re.compile(rb"^content-length\s*:\s*(\d+)", re.IGNORECASE | re.MULTILINE)


class PlainTransport(Protocol):
    """`name` and `local` are what Via and Contact say."""

    name: TransportName
    local: Address

    async def open(self) -> None: ...

    async def turn_to(self, server: Address) -> None: ...

    def send(self, text: str) -> None: ...

    async def close(self) -> None: ...


def transport_to(
    name: TransportName, server: Address, take: Callable[[bytes], None]
) -> PlainTransport:
    """`take` is told each message as it came."""
    kinds: dict[TransportName, type[_Udp] | type[_Tcp] | type[_WebSocket]]
    kinds = {"udp": _Udp, "tcp": _Tcp, "tls": _Tls, "ws": _WebSocket, "wss": _SecureWebSocket}
    return kinds[name](server, take)


def any_certificate() -> ssl.SSLContext:
    """Of a test, which makes its own."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class _Udp(asyncio.DatagramProtocol):
    name: TransportName = "udp"

    def __init__(self, server: Address, take: Callable[[bytes], None]) -> None:
        self._server = server
        self._take = take
        self.local = (address_towards(server[0]), 0)
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=self.local
        )
        self.local = self._transport.get_extra_info("sockname")

    async def turn_to(self, server: Address) -> None:
        self._server = server

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        self._take(data)

    def send(self, text: str) -> None:
        if self._transport is not None:
            self._transport.sendto(text.encode(), self._server)

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class _Tcp:
    name: TransportName = "tcp"
    tls: ssl.SSLContext | None = None

    def __init__(self, server: Address, take: Callable[[bytes], None]) -> None:
        self._server = server
        self._take = take
        self.local = (address_towards(server[0]), 0)

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(*self._server, ssl=self.tls)
        self.local = self._writer.get_extra_info("sockname")
        self._task = asyncio.create_task(self._read())

    async def turn_to(self, server: Address) -> None:
        await self.close()
        self._server = server
        await self.open()

    async def _read(self) -> None:
        rest = b""
        while data := await self._reader.read(65_536):
            rest += data
            while b"\r\n\r\n" in rest:
                head, _, body = rest.partition(b"\r\n\r\n")
                found = _LENGTH.search(head)
                length = int(found[1]) if found else 0
                if len(body) < length:
                    break
                self._take(head.lstrip() + b"\r\n\r\n" + body[:length])
                rest = body[length:]

    def send(self, text: str) -> None:
        self._writer.write(text.encode())

    async def close(self) -> None:
        self._task.cancel()
        self._writer.transport.abort()
        await asyncio.gather(self._task, return_exceptions=True)


class _Tls(_Tcp):
    name = "tls"
    tls = any_certificate()


class _WebSocket:
    name: TransportName = "ws"
    tls: ssl.SSLContext | None = None

    def __init__(self, server: Address, take: Callable[[bytes], None]) -> None:
        self._server = server
        self._take = take
        self.local = ("127.0.0.1", 9)  # nobody sends to it: the connection is the way back
        self._sending: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self._session = aiohttp.ClientSession()
        url = f"{self.name}://{self._server[0]}:{self._server[1]}/"
        self._socket = await self._session.ws_connect(url, protocols=("sip",), ssl=self.tls or True)
        self._task = asyncio.create_task(self._read())

    async def turn_to(self, server: Address) -> None:
        await self.close()
        self._server = server
        await self.open()

    async def _read(self) -> None:
        async for message in self._socket:
            data = message.data
            self._take(data.encode() if isinstance(data, str) else data)

    def send(self, text: str) -> None:
        task = asyncio.create_task(self._socket.send_str(text))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def close(self) -> None:
        await self._socket.close()
        self._task.cancel()
        await asyncio.gather(self._task, *self._sending, return_exceptions=True)
        await self._session.close()


class _SecureWebSocket(_WebSocket):
    name = "wss"
    tls = any_certificate()
