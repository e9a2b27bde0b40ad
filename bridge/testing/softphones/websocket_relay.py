"""Lets a phone that knows TCP only register by SIP over WebSocket at the service.

Each connection of the phone becomes one WebSocket. Messages change where they name the transport
(RFC 7118, 5): in Via and in Contact. The Contact of the server becomes the relay's, so that the
phone sends the requests of a call to it as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import re

import aiohttp

_HEAD_END = b"\r\n\r\n"
_VIA = re.compile(rb"^(Via\s*:\s*SIP/2\.0/)\w+ ", re.M | re.I)
_CONTACT = re.compile(rb"^Contact\s*:[^\r\n]*", re.M | re.I)
_OF_REGISTER = re.compile(rb"^CSeq\s*:\s*\d+ REGISTER", re.M | re.I)
_LENGTH = re.compile(rb"^(?:Content-Length|l)\s*:\s*(\d+)", re.M | re.I)
_START_S = 10.0


class WebsocketRelay:
    """Listens on `port` of 127.0.0.1; `base_url` is that of the service, whose path is /ws."""

    def __init__(self, base_url: str) -> None:
        self._url = f"{base_url.replace('http', 'ws', 1)}/ws"
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port that the phone connects to."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Returns when phones can connect."""
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)

    async def stop(self) -> None:
        """End every connection."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            async with (
                aiohttp.ClientSession() as http,
                http.ws_connect(self._url, protocols=("sip",)) as socket,
                asyncio.TaskGroup() as group,
            ):
                to_phone = group.create_task(_forward(socket, writer, self.port))
                await _from_phone(reader, socket)
                to_phone.cancel()
        except* (OSError, aiohttp.ClientError):
            pass  # the phone sees that its connection ends
        finally:
            with contextlib.suppress(OSError):
                writer.close()


async def _from_phone(
    reader: asyncio.StreamReader, socket: aiohttp.ClientWebSocketResponse
) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError):
        while True:
            head = (await reader.readuntil(_HEAD_END)).lstrip(b"\r\n")
            if not head:
                continue  # a keep-alive
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1])) if length else b""
            await socket.send_str((to_server(head) + body).decode())


async def _forward(
    socket: aiohttp.ClientWebSocketResponse, writer: asyncio.StreamWriter, port: int
) -> None:
    async for message in socket:
        data = message.data if isinstance(message.data, bytes) else str(message.data).encode()
        head, end, body = data.partition(_HEAD_END)
        writer.write(to_phone(head, port) + end + body)
    writer.close()


def to_server(head: bytes) -> bytes:
    """The head of a message of the phone, as it goes over a WebSocket."""
    return _CONTACT.sub(
        lambda x: x[0].replace(b"transport=tcp", b"transport=ws"), _via(head, b"WS")
    )


def to_phone(head: bytes, port: int) -> bytes:
    """The head of a message of the server, as it goes over TCP from the relay's port."""
    head = _via(head, b"TCP")
    if _OF_REGISTER.search(head):
        return head.replace(b"transport=ws", b"transport=tcp")  # the phone's own Contact
    return _CONTACT.sub(b"Contact: <sip:127.0.0.1:%d;transport=tcp>" % port, head)


def _via(head: bytes, transport: bytes) -> bytes:
    return _VIA.sub(rb"\1" + transport + b" ", head)
