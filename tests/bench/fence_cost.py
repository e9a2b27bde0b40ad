"""What the fence of writes costs: CPU per call at a steady rate, with and without leases.

    python -m tests.bench.fence_cost [ROUNDS [SECONDS]]

Three services on one PostgreSQL serve the same calls in turn: one that is alone, an instance of
several that locks no lease, and one that locks its lease in each transaction. Only ratios count.
On a busy machine many rounds of one second tell more than few long ones: its other work changes
less between two sides.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.testing.softphones.ports import free_port
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .bare_http import BareHttp
from .generated_calls import CallTemplate, record_call
from .process_cost import CpuMeter, cpu_ms
from .progress import progress
from .scripted_stage import ScriptedStage, open_scripted_stage
from .stage import open_stage
from .steady_load import steady_calls

PER_S = (50.0, 100.0)
SECONDS = 5.0
SEVERAL = {
    "instance_name": "one",
    "instance_url": "http://127.0.0.1:9",  # nobody forwards anything
    "cluster_secret": "0123456789abcdef0123456789abcdef",
}


@dataclass(frozen=True, slots=True)
class Side:
    """A service with a database of its own."""

    stage: ScriptedStage
    server: PrivatePostgresql
    database_url: str
    metrics: BareHttp

    async def cost(self, per_s: float, seconds: float = SECONDS) -> dict[str, float]:
        """Per call: ms of CPU of the service and of its backends, and transactions."""
        service, before = CpuMeter({"": (self.stage.service.pid,)}), self._backends_ms()
        made_before = await self._transactions()
        calls = len(await steady_calls(self.stage, per_s, seconds))
        # A pool may have closed a connection meanwhile, and opened another.
        spent_ms = sum(ms - before.get(pid, 0.0) for pid, ms in self._backends_ms().items())
        return {
            "service": service.read()[""] / calls,
            "database": spent_ms / calls,
            "transactions": (await self._transactions() - made_before) / calls,
        }

    async def _transactions(self) -> float:
        _, text = await self.metrics.request("GET", "/metrics")
        found = re.search(rb"commit_seconds_count ([0-9.]+)", text)
        assert found is not None, text
        return float(found[1])

    def _backends_ms(self) -> dict[int, float]:
        """CPU of the processes of the server that serve this database."""
        return {x: cpu_ms(x) for x in self.server.backends(self.database_url)}


@contextmanager
def private_postgresql(connections_max: int = 100) -> Iterator[PrivatePostgresql]:
    server = PrivatePostgresql(connections_max)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@asynccontextmanager
async def opened(
    folder: Path,
    template: CallTemplate,
    server: PrivatePostgresql,
    settings: Mapping[str, str],
    module: str = "",
) -> AsyncIterator[Side]:
    port, database_url = free_port(), server.new_database()
    more = {"database_url": database_url, "metrics_port": str(port), **settings}
    async with open_scripted_stage(
        folder, template, 0, more, as_in_life=True, module=module
    ) as stage:
        metrics = BareHttp("127.0.0.1", port, "")
        yield Side(stage, server, database_url, metrics)
        await metrics.close()


@asynccontextmanager
async def opened_sides(
    folder: Path, template: CallTemplate, server: PrivatePostgresql
) -> AsyncIterator[dict[str, Side]]:
    """All three, by what they are."""
    kinds: dict[str, tuple[Mapping[str, str], str]] = {
        "alone": ({}, ""),
        "without fence": (SEVERAL, "tests.bench.without_fence"),
        "with fence": (SEVERAL, ""),
    }
    async with AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(
                opened(folder / name, template, server, settings, module)
            )
            for name, (settings, module) in kinds.items()
        }


async def cost_rounds(
    sides: dict[str, Side], per_s: float, rounds: int, seconds: float = SECONDS
) -> list[dict[str, dict[str, float]]]:
    """What `Side.cost` says, by round and by side. All sides take turns."""
    for side in sides.values():
        await steady_calls(side.stage, per_s, 1.0)
    found = []
    for number in range(rounds):
        progress(f"fence, {per_s:g} calls/s, round {number + 1} of {rounds}")
        order = list(sides) if number % 2 else list(reversed(sides))
        found.append({name: await sides[name].cost(per_s, seconds) for name in order})
        progress(f"  {found[-1]}")
    return found


async def measure(folder: Path, template: CallTemplate, rounds: int, seconds: float) -> None:
    with private_postgresql() as server:
        async with opened_sides(folder, template, server) as sides:
            for per_s in PER_S:
                tell(per_s, await cost_rounds(sides, per_s, rounds, seconds))


def tell(per_s: float, rounds: list[dict[str, dict[str, float]]]) -> None:
    for what in ("service", "database", "service and database", "transactions"):
        for one, other in (("with fence", "without fence"), ("with fence", "alone")):
            ratios = [_of(found[one], what) / _of(found[other], what) for found in rounds]
            low, _, high = statistics.quantiles(ratios)
            middle = statistics.median(ratios)
            print(  # noqa: T201
                f"{per_s:g} calls/s, {what}, {one} to {other}: "
                f"{middle:.3f} ({low:.3f} to {high:.3f}), "
                f"standard error {statistics.stdev(ratios) / len(ratios) ** 0.5:.3f}"
            )


def _of(cost: Mapping[str, float], what: str) -> float:
    return sum(cost[x] for x in what.split(" and "))


async def main(rounds: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory(prefix="bridge-bench-") as name:
        folder = Path(name)
        async with open_stage(folder / "stage") as stage:
            template = await record_call(stage)
        await measure(folder, template, rounds, seconds)


if __name__ == "__main__":
    asyncio.run(
        main(
            int(sys.argv[1]) if sys.argv[1:] else 5,
            float(sys.argv[2]) if sys.argv[2:] else SECONDS,
        )
    )
