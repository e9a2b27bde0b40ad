"""The proxy with which tests freeze a connection: what it holds, and what it sends on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio

from bridge.testing.eventually import eventually
from bridge.testing.lab.tcp_proxy import TcpProxy


@dataclass
class Server:
    """Keeps what it is sent."""

    got: bytes = b""
    ended: bool = False

    async def keep(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            self.got += data
        self.ended = True
        writer.close()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[tuple[Server, TcpProxy]]:
    server = Server()
    proxy = TcpProxy()
    listening = await asyncio.start_server(server.keep, "127.0.0.1", 0)
    proxy.server_port = listening.sockets[0].getsockname()[1]
    await proxy.start()
    yield server, proxy
    await proxy.stop()
    listening.close()


async def test_given_several_messages_while_frozen_when_thawed_then_all_arrive_in_order(
    server: tuple[Server, TcpProxy],
) -> None:
    said, proxy = server
    _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"before ")
    await eventually(lambda: said.got == b"before ")

    proxy.freeze_to_server()
    writer.write(b"Getvar ")
    await proxy.wait_held(b"Getvar")
    writer.write(b"Hangup ")
    await proxy.wait_held(b"Hangup")
    writer.close()
    assert said.got == b"before "

    proxy.thaw()
    await eventually(lambda: said.ended)
    assert said.got == b"before Getvar Hangup "
