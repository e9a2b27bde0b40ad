"""Which instance is asked, how often, and until when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from bridge.cluster.forward_client import (
    ForwardBroken,
    ForwardClient,
    NotCarriedOut,
    NotHolder,
    OutgoingRequest,
)
from bridge.cluster.forward_header import Forward
from bridge.cluster.forwarding import ARRIVES_WITHIN_S, Forwarder, HeldHere, NoHolder
from bridge.cluster.lease import Lease, Leases, pbx_resource
from bridge.cluster.shared_clock import SharedClock
from bridge.faults import StorageUnavailable
from tests.lab.instant_time import instant

PBX = "pbx1"
REQUEST = OutgoingRequest("POST", "/x", "h", {}, b"")
FORWARD = Forward("", "", "", 0)


class _Client:
    """`says`: what becomes of each request; the last one goes on."""

    def __init__(self, *says: object) -> None:
        self._says = list(says)
        self.asked: list[tuple[str, int]] = []

    @asynccontextmanager
    async def answer(
        self, lease: Lease, forward: Forward, request: OutgoingRequest, head_within_s: float
    ) -> AsyncIterator[Any]:
        assert forward.sender == "me"
        assert forward.pbx == PBX
        self.asked.append((lease.holder, forward.deadline_ms))
        said = self._says.pop(0) if len(self._says) > 1 else self._says[0]
        if isinstance(said, Exception):
            raise said
        yield said


class _Leases:
    def __init__(self, lease: Lease | None) -> None:
        self.lease = lease
        self.looks = 0
        self.at_look: Callable[[], None] = lambda: None

    def holder_of(self, resource: str) -> Lease | None:
        assert resource == pbx_resource(PBX)
        return self.lease

    async def look_again(self) -> None:
        self.looks += 1
        self.at_look()


def lease(holder: str, epoch: int = 1) -> Lease:
    return Lease(pbx_resource(PBX), holder, epoch, f"http://{holder}:1")


async def answer(
    client: _Client, leases: _Leases, held_here: Callable[[], bool] = lambda: False
) -> str:
    async def moment() -> int:
        return 0

    clock = SharedClock(moment, asyncio.get_running_loop().time)
    await clock.set()
    forwarder = Forwarder("me", cast("Leases", leases), cast("ForwardClient", client), clock)
    async with forwarder.answer(PBX, FORWARD, REQUEST, held_here) as said:
        return str(said)


@instant
async def test_the_holder_is_asked_once() -> None:
    client = _Client("yes")
    assert await answer(client, _Leases(lease("a"))) == "yes"
    assert client.asked == [("a", int(ARRIVES_WITHIN_S * 1000))]


@instant
async def test_after_not_mine_the_lease_is_read_anew_and_one_more_is_asked() -> None:
    client, leases = _Client(NotHolder("a"), "yes"), _Leases(lease("a"))

    def move() -> None:
        leases.lease = lease("b", 2)

    leases.at_look = move
    assert await answer(client, leases) == "yes"
    assert [x for x, _ in client.asked] == ["a", "b"]
    assert leases.looks == 1


@instant
async def test_leases_that_change_all_the_time_cost_two_requests() -> None:
    client, leases = _Client(NotHolder("x")), _Leases(lease("a"))
    epoch = 1

    def swap() -> None:
        nonlocal epoch
        epoch += 1
        leases.lease = lease("ab"[epoch % 2], epoch)

    leases.at_look = swap
    with pytest.raises(NoHolder):
        await answer(client, leases)
    assert len(client.asked) == 2


@instant
async def test_a_lease_that_does_not_change_is_waited_for_until_the_deadline() -> None:
    client, leases = _Client(NotCarriedOut("refused")), _Leases(lease("a"))
    began_s = asyncio.get_running_loop().time()
    with pytest.raises(NoHolder):
        await answer(client, leases)
    assert len(client.asked) == 1
    assert asyncio.get_running_loop().time() - began_s == pytest.approx(5.0, abs=0.1)
    assert leases.looks >= 8


@instant
async def test_a_free_lease_is_waited_for() -> None:
    client, leases = _Client("yes"), _Leases(None)

    def claim() -> None:
        if leases.looks == 3:
            leases.lease = lease("b", 2)

    leases.at_look = claim
    assert await answer(client, leases) == "yes"


@instant
async def test_what_this_instance_has_won_meanwhile_it_does_itself() -> None:
    client, leases = _Client(NotHolder("a")), _Leases(lease("a"))
    with pytest.raises(HeldHere):
        await answer(client, leases, lambda: leases.looks > 1)
    assert len(client.asked) == 1


@instant
async def test_a_request_that_broke_is_never_sent_again() -> None:
    client = _Client(ForwardBroken("reset"))
    with pytest.raises(ForwardBroken) as broken:
        await answer(client, _Leases(lease("a", 7)))
    assert len(client.asked) == 1
    assert broken.value.epoch == 7


@instant
async def test_a_database_that_does_not_answer_does_not_hold_it_up() -> None:
    client, leases = _Client(NotHolder("a"), "yes"), _Leases(lease("a"))

    def fail() -> None:
        if leases.looks == 2:
            leases.lease = lease("b", 2)  # heard otherwise
        raise StorageUnavailable("down")

    leases.at_look = fail
    assert await answer(client, leases) == "yes"
