"""Run by hand: figures of docs/cluster.md, `python -m tests.cluster.pbx_rounds [ROUNDS]`.

In each round the Asterisk of an organization is killed, or frozen, while calls live on it. Told are
the seconds until a create and a call of a phone go to another Asterisk, and the final records.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, Signals

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.softphones.ports import free_port
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .lab.whole_cluster import open_whole_cluster
from .pbx_faults import PUBLIC, PbxFaults

CALLS = 10


@dataclass
class Figures:
    """Of one fault, over all rounds; the times in seconds."""

    calls: int = 0
    without_end: int = 0
    ended_twice: int = 0
    create_s: list[float] = field(default_factory=list)
    phones_s: list[float] = field(default_factory=list)


async def one_round(faults: PbxFaults, api: ApiClient, fault: Signals, figures: Figures) -> None:
    await faults.settled()
    first = await faults.home()
    ids = [await api.place(*PUBLIC, extension="210") for _ in range(CALLS)]
    for call_id in ids:
        await api.wait_status(call_id, 5, 20)
    at_s = faults.hit(first, fault)

    async def placed() -> str:
        answer = await api.create(*PUBLIC, extension="210")
        if answer.status != 202:
            return ""
        ids.append(answer.json[0]["id"])
        return "" if await faults.pbx_of(ids[-1]) == first else ids[-1]

    new = await eventually(placed, 60)
    figures.create_s.append(time.monotonic() - at_s)
    ids.append(await api.place("210", "211"))
    await api.wait_status(ids[-1], 5, 20)
    figures.phones_s.append(time.monotonic() - at_s)
    assert await faults.pbx_of(new) == await faults.home() != first
    if fault is SIGKILL:
        await faults.node(first).start()
    else:
        faults.hit(first, SIGCONT)

    async def ended() -> bool:
        await api.hang_up()
        query = "SELECT count(*) AS n FROM calls WHERE id = ANY($1) AND ended_ms IS NOT NULL"
        return int((await faults.whole.rows(query, ids))[0]["n"]) == len(ids)

    try:
        await eventually(ended, 60)
    except AssertionError:
        figures.without_end += 1
    figures.calls += len(ids)
    figures.ended_twice += sum(faults.ends_logged(x) > 1 for x in ids)


async def main(rounds: int) -> None:
    found = {SIGKILL: Figures(), SIGSTOP: Figures()}
    postgresql = await asyncio.to_thread(PrivatePostgresql)
    many = {"calls_per_extension_max": "100", "calls_per_user_max": "100"}
    with tempfile.TemporaryDirectory() as folder:
        try:
            await asyncio.to_thread(postgresql.start)
            async with open_whole_cluster(
                Path(folder),
                postgresql,
                nodes=2,
                instances=2,
                edge_port=free_port(),
                http_port=free_http_port(),
                settings=many,
            ) as whole:
                faults = PbxFaults(whole)
                async with (
                    whole.softphone("0003*210"),
                    whole.softphone("0003*211"),
                    whole.client() as api,
                ):
                    for _ in range(rounds):
                        for fault, figures in found.items():
                            await one_round(faults, api, fault, figures)
        finally:
            postgresql.remove()
    for fault, figures in found.items():
        create, phones = figures.create_s, figures.phones_s
        print(  # noqa: T201 - run by hand
            f"{fault.name:8} rounds {rounds}, calls {figures.calls}, "
            f"rounds with a call without end {figures.without_end}, "
            f"ended twice {figures.ended_twice}, until a create goes elsewhere: median "
            f"{statistics.median(create):.1f} s, most {max(create):.1f} s; until phones talk: "
            f"median {statistics.median(phones):.1f} s, most {max(phones):.1f} s"
        )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else 4))
