"""One soak, from the first call to the balance."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.testing.lab.free_port import free_http_port
from bridge.testing.lab.tcp_proxy import TcpProxy
from bridge.testing.softphones.ports import free_port
from bridge.testing.webhook_receiver import Receiver
from tests.cluster.lab.whole_cluster import WholeCluster, open_whole_cluster
from tests.integration.storage.private_postgresql import PrivatePostgresql
from tests.pbx.phone_call_events.subscriber import HANG_UP

from .balance import Balance, SeenChannels, balance
from .load import CALLERS, Caller, Load

_SETTINGS = {
    "calls_per_extension_max": "1000",
    "calls_per_user_max": "1000",
    "events_connections_per_host_max": "16",
}


@dataclass(frozen=True)
class Outcome:
    """`answers`, `refusals`: as of `Load`; `longest_s`: until a create was accepted."""

    balance: Balance
    answers: dict[int, int]
    refusals: dict[str, int]
    longest_s: float


@asynccontextmanager
async def open_soaked(
    folder: Path, postgresql: PrivatePostgresql, through: TcpProxy | None = None
) -> AsyncIterator[WholeCluster]:
    """Two Asterisks and three instances; each organization of the load has its own node.

    `through`: a way to the database.
    """
    async with open_whole_cluster(
        folder,
        postgresql,
        nodes=2,
        edge_port=free_port(),
        http_port=free_http_port(),
        homes={"0003": "node1", "0004": "node2"},
        settings=_SETTINGS,
        through=through,
    ) as cluster:
        yield cluster


async def soak(
    cluster: WholeCluster,
    meanwhile: Coroutine[Any, Any, None],
    *,
    drawn: random.Random,
    per_second: float,
    urls: Sequence[str] = (),
) -> Outcome:
    """Calls are placed until `meanwhile` has ended, at `urls` or at each instance."""
    before = {x["id"] for x in await cluster.rows("SELECT id FROM calls")}
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(Receiver())
        await subscribed(cluster, receiver)
        seen = []
        for node in cluster.nodes:
            ami = await stack.enter_async_context(cluster.ami(node))
            seen.append(SeenChannels(ami))
        watching = [asyncio.create_task(x.watch()) for x in seen]
        asked = urls or [x.base_url for x in cluster.instances]
        load = await stack.enter_async_context(Load(cluster, drawn, asked))
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(load.run(over, per_second))
            await meanwhile
            over.set()
        found = await balance(cluster, receiver, load.accepted, seen, before)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        await unsubscribed(cluster)
        return Outcome(found, dict(load.answers), dict(load.refusals), load.longest_s)


async def subscribed(cluster: WholeCluster, receiver: Receiver) -> None:
    """To the end of each call of the load; one path of the receiver for each of its apps."""
    for caller in CALLERS:
        body = {"type": HANG_UP, "url": receiver.url(f"/{caller.client_id}"), "method": 1}
        async with cluster.client_at(cluster.instances[0].base_url, caller.client_id) as api:
            answer = await api.request("POST", _events_path(caller), body=body)
            assert answer.status == 200, answer.text


async def unsubscribed(cluster: WholeCluster) -> None:
    for caller in CALLERS:
        async with cluster.client_at(cluster.instances[0].base_url, caller.client_id) as api:
            answer = await api.request("DELETE", _events_path(caller))
            assert answer.status in (200, 204), answer.text


def _events_path(caller: Caller) -> str:
    return f"/uapi/extensions/{caller.user}/{caller.short}/phoneCallEvents"
