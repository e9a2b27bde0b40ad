"""What the fence of writes costs: CPU per call at a steady rate, with and without leases.

    python -m tests.bench.fence_cost [ROUNDS]

Three services on one PostgreSQL serve the same calls in turn: one that is alone, an instance of
several that locks no lease, and one that locks its lease in each transaction. Only ratios count.
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

from sqlalchemy.engine import make_url

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
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
SEVERAL = {
    "instance_name": "one",
    "instance_url": "http://127.0.0.1:9",  # nobody forwards anything
    "cluster_secret": "0123456789abcdef0123456789abcdef",
}


@dataclass(frozen=True, slots=True)
class Side:
    """A service with a database of its own."""

    stage: ScriptedStage
    database: str
    metrics: BareHttp

    async def cost(self, per_s: float) -> dict[str, float]:
        """Per call: ms of CPU of the service and of its backends, and transactions."""
        service, before = CpuMeter({"": (self.stage.service.pid,)}), self._backends_ms()
        made_before = await self._transactions()
        calls = len(await steady_calls(self.stage, per_s, SECONDS))
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
        found = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdecimal():
                try:
                    command = (folder / "cmdline").read_text()
                    if command.startswith("postgres: ") and f" {self.database} [" in command:
                        found[int(folder.name)] = cpu_ms(int(folder.name))
                except OSError:
                    continue
        return found


@contextmanager
def private_postgresql() -> Iterator[PrivatePostgresql]:
    server = PrivatePostgresql()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@asynccontextmanager
async def opened(
    folder: Path,
    template: CallTemplate,
    database_url: str,
    settings: Mapping[str, str],
    module: str = "",
) -> AsyncIterator[Side]:
    port = free_port()
    more = {"database_url": database_url, "metrics_port": str(port), **settings}
    async with open_scripted_stage(
        folder, template, 0, more, as_in_life=True, module=module
    ) as stage:
        metrics = BareHttp("127.0.0.1", port, "")
        yield Side(stage, str(make_url(database_url).database), metrics)
        await metrics.close()


async def measure(folder: Path, template: CallTemplate) -> None:
    kinds: dict[str, tuple[Mapping[str, str], str]] = {
        "alone": ({}, ""),
        "without fence": (SEVERAL, "tests.bench.without_fence"),
        "with fence": (SEVERAL, ""),
    }
    async with AsyncExitStack() as stack:
        server = stack.enter_context(private_postgresql())
        sides = {
            name: await stack.enter_async_context(
                opened(folder / name, template, server.new_database(), settings, module)
            )
            for name, (settings, module) in kinds.items()
        }
        for per_s in PER_S:
            for side in sides.values():
                await steady_calls(side.stage, per_s, 1.0)
            rounds = []
            for number in range(ROUNDS):
                progress(f"{per_s:g} calls/s, round {number + 1} of {ROUNDS}")
                order = list(sides) if number % 2 else list(reversed(sides))
                rounds.append({name: await sides[name].cost(per_s) for name in order})
                progress(f"  {rounds[-1]}")
            tell(per_s, rounds)


def tell(per_s: float, rounds: list[dict[str, dict[str, float]]]) -> None:
    for what in ("service", "database", "transactions"):
        for one, other in (("with fence", "without fence"), ("with fence", "alone")):
            ratios = [found[one][what] / found[other][what] for found in rounds]
            low, _, high = statistics.quantiles(ratios)
            middle = statistics.median(ratios)
            print(  # noqa: T201
                f"{per_s:g} calls/s, {what}, {one} to {other}: "
                f"{middle:.3f} ({low:.3f} to {high:.3f})"
            )


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bridge-bench-") as name:
        folder = Path(name)
        async with open_stage(folder / "stage") as stage:
            template = await record_call(stage)
        await measure(folder, template)


if __name__ == "__main__":
    asyncio.run(main())
