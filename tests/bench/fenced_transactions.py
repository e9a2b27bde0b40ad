"""What the lock of leases adds to one transaction of one row, in CPU.

    python -m tests.bench.fenced_transactions [ROUNDS]

Blocks with and without the lock are written in turn, so that other work on the machine meets both.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Sequence

from bridge.calls.store.call_writes import upsert_call
from bridge.cluster.lease import SHARDS, shard_resource
from bridge.storage.engine import open_engine
from bridge.storage.fence import Fence
from bridge.storage.migrate import migrate
from bridge.storage.postgresql_writer import PostgresqlWriter
from tests.integration.storage.lease_rows import connected, give
from tests.integration.storage.phone_calls import live_call

from .fence_cost import private_postgresql
from .process_cost import cpu_ms

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 15
BLOCK = 500
LEASES = [
    Fence("pbx:main", 7, "me"),
    *(Fence(shard_resource(x), 3, "me") for x in range(SHARDS)),
]


async def block_us(
    writer: PostgresqlWriter, backend: int, fences: Sequence[Fence]
) -> tuple[float, float]:
    """CPU of a transaction, of this process and of the server."""
    groups = [(upsert_call(live_call("0" * 20), guard=False),)]
    server_ms, began_s = cpu_ms(backend), time.process_time()
    for _ in range(BLOCK):
        await writer.commit(groups, fences)
    ours_s = time.process_time() - began_s
    return ours_s * 1e6 / BLOCK, (cpu_ms(backend) - server_ms) * 1000 / BLOCK


async def main() -> None:
    with private_postgresql() as server:
        engine = open_engine(server.new_database())
        await migrate(engine)
        async with connected(engine) as connection:
            for lease in LEASES:
                await give(connection, lease)
            writer = PostgresqlWriter(engine)
            await block_us(writer, 1, LEASES)
            backend = await connection.fetchval(
                "SELECT pid FROM pg_stat_activity WHERE query = 'COMMIT' LIMIT 1"
            )
            found: dict[int, list[tuple[float, float]]] = {0: [], 1: [], len(LEASES): []}
            for _ in range(ROUNDS):
                for count, blocks in found.items():
                    blocks.append(await block_us(writer, backend, LEASES[:count]))
            await writer.close()
        await engine.dispose()
    for count, blocks in found.items():
        ours, servers = (statistics.median(column) for column in zip(*blocks, strict=True))
        print(f"{count} leases: service {ours:.0f} us, server {servers:.0f} us")  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
