"""The time that a forward adds to a request: `python -m tests.cluster.forward_latency`.

Two instances, one client, and a PBX that a script plays, on loopback in one process. Each request
is sent to the holder and to the other instance in turn, so that both see the same machine.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from bridge.cluster.lease import pbx_resource
from bridge.testing.lab.api_client import ApiClient
from tests.cluster.several_instances import several_instances
from tests.integration.storage.private_postgresql import PrivatePostgresql

ROUNDS = 1_500
WARM_UP = 50  # requests that open connections
LIST = "/uapi/phoneCalls/@me/210"


@dataclass
class Took:
    """Of each request, in milliseconds: by the clock, and CPU of this process, client included."""

    by_clock: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


async def measured(
    clients: dict[str, ApiClient], rounds: int, ask: Callable[[ApiClient], Awaitable[None]]
) -> dict[str, Took]:
    """By the name of the instance."""
    took = {name: Took() for name in clients}
    for number in range(rounds + WARM_UP):
        for name, client in clients.items():
            began, cpu = time.perf_counter(), time.process_time()
            await ask(client)
            if number >= WARM_UP:
                took[name].by_clock.append((time.perf_counter() - began) * 1000)
                took[name].cpu.append((time.process_time() - cpu) * 1000)
    return took


async def _list(client: ApiClient) -> None:
    """Without the checks of ApiClient, which take longer than the request."""
    headers = {"Authorization": f"Bearer {client.token}"}
    async with client.http.get(client.base_url + LIST, headers=headers) as answer:
        assert answer.status == 200
        assert "X-Stale-Nodes" not in answer.headers
        await answer.read()


async def _create(client: ApiClient) -> None:
    headers = {"Authorization": f"Bearer {client.token}"}
    body = (
        b'{"extension":"210","phoneCallView":[{"source":["5354353"],"destination":["3235742879"]}]}'
    )
    url = f"{client.base_url}/uapi/phoneCalls/@me/simple"
    async with client.http.post(url, data=body, headers=headers) as answer:
        assert answer.status == 202, await answer.text()
        await answer.read()


def tell(what: str, took: dict[str, Took]) -> None:
    for kind in ("by_clock", "cpu"):
        p50, p99 = {}, {}
        for name, one in took.items():
            ordered = sorted(getattr(one, kind))
            p50[name] = ordered[len(ordered) // 2]
            p99[name] = ordered[int(len(ordered) * 0.99)]
        added = p50["other"] - p50["holder"]
        sys.stdout.write(
            f"{what:20} {kind:8} p50: holder {p50['holder']:.2f} ms, other {p50['other']:.2f} ms, "
            f"added {added:.2f} ms; p99: {p99['holder']:.2f}, {p99['other']:.2f} ms\n"
        )


async def forwarded(
    folder: Path, server: PrivatePostgresql, rounds: int
) -> dict[str, dict[str, Took]]:
    """By what was asked, and by the instance that was asked: `holder` or `other`.

    There are `rounds` lists, and a quarter as many creates.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    async with several_instances(
        folder,
        server.new_database(),
        calls_per_second=1000,
        calls_per_extension_max=10_000,
        calls_per_user_max=10_000,
        calls_max=10_000,
        requests_per_minute_max=1_000_000,
    ) as several:
        await several.hold("one", "a")
        lease = several.leases.get(pbx_resource("one"))
        assert lease is not None
        # Without the relay of the tests.
        several.leases.put(replace(lease, url=several.base_url("a")))
        clients = {"holder": await several.client("a"), "other": await several.client("b")}
        for client in clients.values():
            await client.authenticate()
        return {
            "list of an extension": await measured(clients, rounds, _list),
            "create": await measured(clients, max(1, rounds // 4), _create),
        }


async def main() -> None:
    server = PrivatePostgresql()
    server.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            for what, took in (await forwarded(Path(folder), server, ROUNDS)).items():
                tell(what, took)
    finally:
        server.remove()


if __name__ == "__main__":
    asyncio.run(main())
