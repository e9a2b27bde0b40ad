"""Short questions of one instance to the holders of PBXs, about a request that it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
from aiohttp import web

from bridge.cluster.forward_client import ForwardBroken, NotCarriedOut, OutgoingRequest
from bridge.cluster.forward_header import Forward
from bridge.cluster.forwarding import Forwarder
from bridge.cluster.lease import Lease
from bridge.http.cluster.relay import whole
from bridge.supervision.tasks import awaited

ANSWER_MAX_BYTES = 16 * 1024 * 1024
"""Of one answer. The documents of 5,000 live calls are half of it."""

CALLS = "calls"
"""The holder answers with the live calls that the request means."""

WRITTEN = "written"
"""The holder answers once all that it knows is on disk."""


class OwnerSilent(Exception):
    """The holder of a PBX gave no answer in time, or an error. `str()`: why."""


async def ask_owner(
    forwarder: Forwarder,
    lease: Lease | None,
    pbx: str,
    forward: Forward,
    request: OutgoingRequest,
    within_s: float,
) -> Any:
    """The JSON value that the holder answers with. Raises OwnerSilent."""
    if lease is None:
        raise OwnerSilent("nobody holds it")
    asked = replace(forward, pbx=pbx)
    try:
        async with asyncio.timeout(within_s):
            async with forwarder.answer_of(lease, asked, request, head_within_s=within_s) as answer:
                if answer.status != web.HTTPOk.status_code:
                    raise OwnerSilent(f"it answers with status {answer.status}")
                return orjson.loads(await whole(answer, ANSWER_MAX_BYTES))
    except (ForwardBroken, NotCarriedOut, orjson.JSONDecodeError) as why:
        raise OwnerSilent(str(why)) from None
    except TimeoutError:
        raise OwnerSilent(f"no answer within {within_s:g} s") from None


async def ask_owners(
    forwarder: Forwarder,
    pbx_names: Sequence[str],
    forward: Forward,
    request: OutgoingRequest,
    within_s: float,
) -> Mapping[str, Any]:
    """The answers of all holders, by PBX; of a silent one its OwnerSilent."""

    async def one(pbx: str) -> Any:
        try:
            lease = forwarder.holder(pbx)
            return await ask_owner(forwarder, lease, pbx, forward, request, within_s)
        except OwnerSilent as why:
            return why

    answers = await asyncio.gather(*(awaited(one(x), "ask_owner") for x in pbx_names))
    return dict(zip(pbx_names, answers, strict=True))
