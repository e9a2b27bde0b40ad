"""Accepting connections where there are no more file descriptors."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bridge.config.repeated_event import RepeatedEvent
from bridge.http import accepting
from bridge.http.accepting import listen
from bridge.testing.eventually import eventually


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When each of them happened."""
    found: list[float] = []

    class Counted(RepeatedEvent):
        def happened(self) -> None:
            found.append(asyncio.get_running_loop().time())

    monkeypatch.setattr(accepting, "RepeatedEvent", Counted)
    return found


@pytest.fixture
def limits() -> Iterator[tuple[int, int]]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def test_given_many_waiting_connections_when_none_can_be_accepted_then_one_try_a_second(
    failures: list[float], limits: tuple[int, int]
) -> None:
    loop = asyncio.get_running_loop()
    server = await listen(asyncio.Protocol, ("127.0.0.1", 0))
    address = server.sockets[0].getsockname()
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.socket()) for _ in range(50)]
        used = max(int(x.name) for x in Path("/proc/self/fd").iterdir()) + 1
        resource.setrlimit(resource.RLIMIT_NOFILE, (used, limits[1]))
        with contextlib.suppress(OSError):
            while True:  # fill the gaps below
                stack.callback(os.close, os.open("/dev/null", os.O_RDONLY))
        for client in clients:
            client.setblocking(False)
            await loop.sock_connect(client, address)
        await eventually(lambda: len(failures) >= 3, 30)
        assert failures[2] - failures[0] > 1.5  # asyncio's own backlog makes 100 at a time
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    server.close()
    await server.wait_closed()
