"""The other instances that live are told of changes at once, and none is waited for too long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import cast

import pytest
from structlog.testing import capture_logs

from bridge.cluster.forward_client import (
    ForwardBroken,
    ForwardClient,
    NotCarriedOut,
    OutgoingRequest,
)
from bridge.cluster.forward_header import Forward
from bridge.cluster.instances import Instance
from bridge.cluster.lease import Lease
from bridge.cluster.shared_clock import SharedClock
from bridge.cluster.told_instances import CHANGES, WITHIN_S, ToldInstances
from tests.lab.instant_time import instant


class FakeInstances:
    own = "a"

    def __init__(self, **lives: bool) -> None:
        self._lives = lives

    def all_instances(self) -> tuple[Instance, ...]:
        return tuple(
            Instance(name, f"http://{name}:8080/", lives, 0, False, "", "1")
            for name, lives in self._lives.items()
        )


class FakeClient:
    """`does`: what becomes of the request to an instance: seconds until it answers, or a fault."""

    def __init__(self, does: Mapping[str, float | Exception]) -> None:
        self._does = does
        self.asked: list[tuple[Lease, Forward, OutgoingRequest]] = []
        self.ended: list[str] = []

    @asynccontextmanager
    async def answer(
        self, lease: Lease, forward: Forward, request: OutgoingRequest, head_within_s: float
    ) -> AsyncIterator[None]:
        assert head_within_s == WITHIN_S
        self.asked.append((lease, forward, request))
        does = self._does.get(lease.holder, 0.0)
        if isinstance(does, Exception):
            raise does
        await asyncio.sleep(does)
        self.ended.append(lease.holder)
        yield


async def ask(client: FakeClient, instances: FakeInstances) -> float:
    """How long it took, in seconds."""

    async def moment() -> int:
        return 5_000

    loop = asyncio.get_running_loop()
    clock = SharedClock(moment, loop.time)
    await clock.set()
    began_s = loop.time()
    await ToldInstances("a", instances, cast("ForwardClient", client), clock).ask()
    return loop.time() - began_s


@instant
async def test_each_other_one_that_lives_is_asked_once() -> None:
    client = FakeClient({})
    await ask(client, FakeInstances(a=True, b=True, c=False, d=True))
    assert [lease.holder for lease, _, _ in client.asked] == ["b", "d"]
    lease, forward, request = client.asked[0]
    assert lease.url == "http://b:8080/"
    assert (forward.sender, forward.receiver, forward.pbx) == ("a", "b", "")
    assert (forward.wanted, forward.deadline_ms) == (CHANGES, 6_000)
    assert (request.host, request.body) == ("b:8080", b"")


@instant
async def test_one_that_is_alone_asks_nobody() -> None:
    client = FakeClient({})
    assert await ask(client, FakeInstances(a=True, b=False)) == 0
    assert client.asked == []


@instant
async def test_it_waits_for_the_slow_up_to_its_limit_and_for_no_longer() -> None:
    client = FakeClient({"b": 0.4})
    took_s = await ask(client, FakeInstances(a=True, b=True, c=True))
    assert took_s == pytest.approx(0.4, abs=0.1)
    assert sorted(client.ended) == ["b", "c"]
    client = FakeClient({"b": 3_600})
    took_s = await ask(client, FakeInstances(a=True, b=True, c=True))
    assert took_s == pytest.approx(WITHIN_S, abs=0.1)
    await asyncio.sleep(7_200)
    assert client.ended == ["c"]  # the request to `b` was given up


@instant
async def test_one_that_fails_is_logged_and_keeps_nothing_from_the_others() -> None:
    client = FakeClient({"b": NotCarriedOut("refused"), "c": ForwardBroken("reset")})
    with capture_logs() as lines:
        await ask(client, FakeInstances(a=True, b=True, c=True, d=True))
    assert [(x["event"], x["instance"], x["why"]) for x in lines] == [
        ("changes_not_told", "b", "refused"),
        ("changes_not_told", "c", "reset"),
    ]
    assert client.ended == ["d"]
