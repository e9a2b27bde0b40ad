"""Hints: each is given once, and a database that is down costs no more than the hint."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from bridge.cluster.hints import HINT_CHARS_MAX, PostgresqlHints
from bridge.cluster.lease_connection import LeaseConnection
from bridge.faults import StorageUnavailable
from tests.lab.instant_time import instant


class FakeConnection:
    """`fails`: so many statements raise."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.channels: list[str] = []
        self.fails = 0
        self.give: Callable[[str, str], None] = lambda _channel, _payload: None

    def at_hint(self, heard: Callable[[str, str], None]) -> None:
        self.give = heard

    def listen_to(self, channel: str) -> None:
        self.channels.append(channel)

    async def ask(self, _sql: str, *params: object) -> list[object]:
        self.asked.append(params)
        if self.fails:
            self.fails -= 1
            raise StorageUnavailable("down")
        return []


def hints_on(connection: FakeConnection) -> PostgresqlHints:
    return PostgresqlHints(cast("LeaseConnection", connection))


@instant
async def test_the_same_hint_in_one_moment_is_given_once_with_the_others() -> None:
    connection = FakeConnection()
    hints = hints_on(connection)
    hints.start()
    for channel, payload in (("calls", "1"), ("calls", "2"), ("calls", "1"), ("hooks", "1")):
        hints.notify(channel, payload)
    await asyncio.sleep(1)
    assert connection.asked == [(["calls", "calls", "hooks"], ["1", "2", "1"])]
    hints.notify("calls", "1")
    await asyncio.sleep(1)
    assert connection.asked[1:] == [(["calls"], ["1"])]
    await hints.stop()
    hints.notify("calls", "3")
    await asyncio.sleep(1)
    assert len(connection.asked) == 2


@instant
async def test_a_hint_that_the_database_does_not_take_is_dropped() -> None:
    connection = FakeConnection()
    connection.fails = 1
    hints = hints_on(connection)
    hints.start()
    hints.notify("calls", "lost")
    await asyncio.sleep(1)
    hints.notify("calls", "next")
    await asyncio.sleep(1)
    await hints.stop()
    assert connection.asked == [(["calls"], ["lost"]), (["calls"], ["next"])]


@instant
async def test_a_listener_hears_its_channel_alone() -> None:
    connection, heard = FakeConnection(), list[str]()
    hints = hints_on(connection)
    hints.listen("calls", heard.append)
    hints.listen("calls", lambda x: heard.append(f"too: {x}"))
    assert set(connection.channels) == {"calls"}
    connection.give("calls", "1")
    connection.give("hooks", "2")
    assert heard == ["1", "too: 1"]
    await hints.stop()


@pytest.mark.parametrize("channel", ["", "Calls", "1calls", "a b", "a;b", 'a"b', "x" * 42])
@instant
async def test_a_name_that_postgresql_would_read_otherwise_is_no_channel(channel: str) -> None:
    connection = FakeConnection()
    with pytest.raises(ValueError, match="not a channel"):
        hints_on(connection).listen(channel, lambda _: None)
    assert connection.channels == []


@instant
async def test_a_hint_that_is_too_long_is_refused() -> None:
    connection = FakeConnection()
    hints = hints_on(connection)
    hints.start()
    with pytest.raises(ValueError, match=str(HINT_CHARS_MAX)):
        hints.notify("calls", "x" * (HINT_CHARS_MAX + 1))
    hints.notify("calls", "x" * HINT_CHARS_MAX)
    await asyncio.sleep(1)
    await hints.stop()
    assert len(connection.asked) == 1
