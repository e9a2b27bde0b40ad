"""Has a request carried out by the instance that holds its PBX: at most one hop, within a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import structlog
from aiohttp import ClientResponse

from bridge.cluster.forward_client import (
    ForwardBroken,
    ForwardClient,
    NotCarriedOut,
    NotHolder,
    OutgoingRequest,
)
from bridge.cluster.forward_header import Forward
from bridge.cluster.lease import Lease, Leases, pbx_resource
from bridge.cluster.shared_clock import SharedClock
from bridge.faults import StorageUnavailable

log = structlog.get_logger()

DEADLINE_S = 5.0
"""An instance that died is replaced within this time, or its clients are told to come again."""

ARRIVES_WITHIN_S = 2.0
"""A request that reaches the other instance later is refused there. So a copy of it is of no use
for long, and a request of which nothing was heard is not carried out much later."""

_LOOK_S = 0.05  # how often the lease is looked at, in memory
_READ_ANEW_S = 0.5  # how often it is read from the database meanwhile


class HeldHere(Exception):
    """This instance has got the lease itself meanwhile: it carries the request out."""


class NoHolder(Exception):
    """No instance could be found in time that holds the PBX. Nothing was carried out.

    `str()` says why.
    """


class Forwarder:
    """Finds the holder of a PBX, and sends it requests."""

    def __init__(
        self,
        own_name: str,
        leases: Leases,
        client: ForwardClient,
        clock: SharedClock,
    ) -> None:
        self.own_name = own_name
        self._leases = leases
        self._client = client
        self._clock = clock

    def holder(self, pbx: str) -> Lease | None:
        """The lease of that PBX as last read; None where nobody else has it."""
        return self._other_holder(pbx_resource(pbx))

    def _other_holder(self, resource: str) -> Lease | None:
        lease = self._leases.holder_of(resource)
        return None if lease is None or lease.holder == self.own_name else lease

    @asynccontextmanager
    async def answer(
        self,
        pbx: str,
        forward: Forward,
        request: OutgoingRequest,
        held_here: Callable[[], bool],
        *,
        head_within_s: float = DEADLINE_S,
        found_within_s: float = DEADLINE_S,
        own_too: bool = False,
    ) -> AsyncIterator[ClientResponse]:
        """The answer of the instance that holds the PBX.

        `held_here`: whether this instance does, and can carry the request out. `found_within_s`:
        until a holder takes the request; it is asked at most twice, the second time after its lease
        has changed. `head_within_s`: until its answer begins. `own_too`: this instance is asked as
        any other. Raises HeldHere, NoHolder, ForwardBroken.
        """
        until_s = _now_s() + found_within_s
        tried: Lease | None = None
        for last in (False, True):
            find = self._leases.holder_of if own_too else self._other_holder
            lease = await self._next_holder(pbx, tried, held_here, find, until_s)
            tried = lease
            try:
                async with self._to(lease, pbx, forward, request, head_within_s, until_s) as answer:
                    yield answer
                    return
            except NotCarriedOut as why:
                kind = "not held there" if isinstance(why, NotHolder) else str(why)
                log.info("forward_not_taken", pbx=pbx, instance=lease.holder, why=kind)
                if last:
                    raise NoHolder(f"{lease.holder} did not take it: {kind}") from None
            except ForwardBroken as why:
                raise ForwardBroken(str(why), lease.epoch) from None

    @asynccontextmanager
    async def answer_of(
        self,
        lease: Lease,
        forward: Forward,
        request: OutgoingRequest,
        *,
        head_within_s: float,
    ) -> AsyncIterator[ClientResponse]:
        """The answer of this very instance, asked once. Raises NotCarriedOut, ForwardBroken."""
        until_s = _now_s() + head_within_s
        async with self._to(lease, forward.pbx, forward, request, head_within_s, until_s) as answer:
            yield answer

    @asynccontextmanager
    async def _to(
        self,
        lease: Lease,
        pbx: str,
        forward: Forward,
        request: OutgoingRequest,
        head_within_s: float,
        until_s: float,
    ) -> AsyncIterator[ClientResponse]:
        left_s = min(ARRIVES_WITHIN_S, max(0.1, until_s - _now_s()))
        signed = replace(
            forward,
            sender=self.own_name,
            pbx=pbx,
            deadline_ms=self._clock.now_ms() + int(left_s * 1000),
        )
        async with self._client.answer(lease, signed, request, head_within_s) as answer:
            yield answer

    async def _next_holder(
        self,
        pbx: str,
        tried: Lease | None,
        held_here: Callable[[], bool],
        find: Callable[[str], Lease | None],
        until_s: float,
    ) -> Lease:
        """Another lease than that which was tried, as soon as there is one.

        Raises HeldHere, NoHolder.
        """
        read_s = _now_s() if tried is None else 0.0
        while True:
            if held_here():
                raise HeldHere
            lease = find(pbx_resource(pbx))
            if lease is not None and lease != tried:
                return lease
            now_s = _now_s()
            if now_s >= until_s:
                held = "nobody holds it" if lease is None else f"{lease.holder} does not take it"
                raise NoHolder(f"{held} at the moment")
            if now_s >= read_s + _READ_ANEW_S:
                read_s = now_s
                await self._look_again()
            else:
                await asyncio.sleep(min(_LOOK_S, until_s - now_s))

    async def _look_again(self) -> None:
        try:
            await self._leases.look_again()
        except StorageUnavailable:
            await asyncio.sleep(_LOOK_S)  # then what was read last has to do


def _now_s() -> float:
    return asyncio.get_running_loop().time()


__all__ = [
    "DEADLINE_S",
    "ForwardBroken",
    "Forwarder",
    "HeldHere",
    "NoHolder",
    "NotCarriedOut",
]
