"""Many registered phones and live calls: memory, start, lists, and the time of a takeover."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bridge.config.secrets_file import ThrowawaySecrets
from bridge.config.settings import Settings
from bridge.directory.loader import load_directory
from bridge.pbx.phones.directory_phones import CONTEXT_LOCAL
from bridge.pbx.phones.mark_of_all import NAME, mark_of
from bridge.pbx.phones.phone_objects import (
    FINGERPRINT_FIELD,
    MARK_FIELD,
    PhoneAccount,
    phone_objects,
)
from bridge.testing.eventually import eventually
from bridge.wiring.pbx import phone_profile
from tests.bench.bare_http import BareHttp
from tests.bench.figures import percentile
from tests.bench.generated_calls import CallTemplate
from tests.bench.process_cost import cpu_ms, resident_bytes
from tests.bench.progress import progress
from tests.bench.scripted_pbx import ScriptedPbx
from tests.bench.scripted_stage import TALKS
from tests.integration.storage.lease_rows import connected
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .figures import spread, table
from .organizations import Organization, organizations, write_organizations
from .plan import Plan
from .scripted_ari import ScriptedAri
from .scripted_cluster import Instance, ScriptedCluster, open_scripted_cluster

EDGE = "127.0.0.1:5060"
_SETTINGS = {"edge_address": EDGE}
_CALLS_AT_ONCE = 50
_SETTLED_LIMIT_S = 1_800.0
_POLL_S = 0.01
_QUIET_S = 0.5


@dataclass(slots=True)
class Large:
    """Of each round, in seconds, ms, MB or numbers as `ROWS` says; by the name of a row."""

    pbxs: int
    calls: int
    phones: int
    found: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        self.found.setdefault(name, []).append(value)


ROWS: Mapping[str, tuple[str, int]] = {
    "start": ("start of the first instance, until calls can be placed, s", 1),
    "start_cpu": ("its CPU until all phones of all PBXs are compared, s", 1),
    "phones_compared": ("questions to the PBXs about single phones, at that start", 0),
    "first_look": ("the same questions at the very first start", 0),
    "first_look_cpu": ("and its CPU, s", 1),
    "memory_empty": ("memory of an instance that holds nothing, MB", 0),
    "memory_phones": ("memory of an instance with all PBXs and no call, MB", 0),
    "memory_calls": ("memory of an instance with all PBXs and all calls, MB", 0),
    "memory_third": ("memory of an instance with a third of the PBXs and calls, MB", 0),
    "list_extension": ("list of an extension at the holder, p50, ms", 2),
    "list_elsewhere": ("list of an extension at another instance, p50, ms", 2),
    "list_organization": ("list of the calls of an organization at the holder, p50, ms", 1),
    "takeover": ("all PBXs and calls at another instance, after kill -9 of the holder, s", 1),
    "takeover_work": ("of that, from the first lease to the last call, s", 2),
    "takeover_silence": ("longest answer of /health/live meanwhile, ms", 0),
}


def marks_of(directory_file: Path) -> dict[str, str]:
    """The mark of each phone of the directory, as the service makes it."""
    profile = phone_profile(Settings.model_validate(_SETTINGS_OF_MARKS))
    assert profile is not None
    directory = load_directory(directory_file, ThrowawaySecrets())
    found = {}
    for x in directory.provisioned_phones():
        account = PhoneAccount(
            x.number, x.sip_secret or "", x.caller_name, x.caller_number, context=CONTEXT_LOCAL
        )
        found[x.number] = phone_objects(account, profile)["endpoint"][FINGERPRINT_FIELD]
    return found


_SETTINGS_OF_MARKS = {**_SETTINGS, "database_url": "postgresql+asyncpg://unused@/unused"}


@asynccontextmanager
async def _opened(
    folder: Path,
    server: PrivatePostgresql,
    template: CallTemplate,
    pbxs: int,
    of_all: Sequence[Organization],
    marks: Mapping[str, str],
    *,
    compared: bool,
) -> AsyncIterator[ScriptedCluster]:
    """`compared`: the PBXs say that all phones are as they should be."""
    aris = [ScriptedAri(marks, FINGERPRINT_FIELD) for _ in range(pbxs)]
    for ari in aris if compared else ():
        ari.changed["aor", NAME] = {MARK_FIELD: mark_of(marks)}
    async with open_scripted_cluster(
        folder,
        server,
        [ScriptedPbx(template) for _ in range(pbxs)],
        of_all,
        _SETTINGS,
        aris=aris,
    ) as cluster:
        await _register(cluster)
        yield cluster


async def _register(cluster: ScriptedCluster) -> None:
    """Every phone is registered at the edge, as its table says."""
    async with connected(cluster.database_url) as connection:
        numbers = [(x,) for one in cluster.organizations for x in one.extensions]
        await connection.copy_records_to_table(
            "location",
            schema_name="edge",
            columns=["username", "ruid", "contact"],
            records=[(x, f"ruid-{x}", f"sip:{x}@10.0.0.9:5060") for (x,) in numbers],
        )
        await connection.execute("ANALYZE edge.location")


async def many_phones(
    folder: Path, server: PrivatePostgresql, template: CallTemplate, plan: Plan
) -> list[Large]:
    """One result for each size of `plan.large`."""
    folder.mkdir()
    of_all = organizations(plan.phones // plan.phones_each, plan.phones_each)
    write_organizations(folder / "directory.yaml", of_all)
    marks = await asyncio.to_thread(marks_of, folder / "directory.yaml")
    found = [Large(x, x * plan.calls, len(marks)) for x in plan.large]
    for number in range(plan.large_rounds):
        for one in found:
            progress(f"{one.pbxs} PBXs, {one.calls:,} calls, {one.phones:,} phones, {number + 1}")
            name = folder / f"{one.pbxs}-{number}"
            first = one is found[0] and number == 0
            async with _opened(
                name, server, template, one.pbxs, of_all, marks, compared=not first
            ) as cluster:
                if first:
                    await _first_look(cluster, one)
                await _round(cluster, one, plan)
            progress(f"  { ({x: y[-1] for x, y in one.found.items()}) }")
    return found


async def _first_look(cluster: ScriptedCluster, found: Large) -> None:
    """No PBX says yet that all phones are as they should be: each is asked about."""
    first = await cluster.start("first")
    await _all_done(first, len(cluster.pbxs))
    found.add("first_look_cpu", cpu_ms(first.pid) / 1000)
    found.add("first_look", sum(x.reads for x in cluster.aris))
    await cluster.stop_one("first")
    for ari in cluster.aris:
        ari.reads = 0


async def _round(cluster: ScriptedCluster, found: Large, plan: Plan) -> None:
    began = time.monotonic()
    first = await cluster.start("a")
    found.add("start", time.monotonic() - began)
    await _all_done(first, len(cluster.pbxs))
    found.add("start_cpu", cpu_ms(first.pid) / 1000)
    found.add("phones_compared", sum(x.reads for x in cluster.aris))
    found.add("memory_phones", resident_bytes(first.pid) / 2**20)
    await _fill(cluster, plan)
    await cluster.wait_live_calls(found.calls)
    found.add("memory_calls", resident_bytes(first.pid) / 2**20)
    extension, whole = await _lists(cluster, "a", plan)
    found.add("list_extension", extension)
    found.add("list_organization", whole)
    if len(cluster.pbxs) > 1:
        await _thirds(cluster, found, plan)
    await _takeover(cluster, found)


async def _all_done(instance: Instance, pbxs: int) -> None:
    """It holds so many PBXs and has compared the phones of each."""

    async def done() -> bool:
        compared = instance.log_text().count('"phones_provisioned"')
        return await instance.holds() == pbxs and compared >= pbxs

    await eventually(done, _SETTLED_LIMIT_S, why=lambda: instance.log_text()[-3000:])


async def _fill(cluster: ScriptedCluster, plan: Plan) -> None:
    """So many calls on each PBX, between the phones of its organizations, all in talk."""
    for name, pbx in cluster.pbxs.items():
        here = [(x, x.extensions) for x in cluster.organizations if cluster.homes[x.prefix] == name]
        wanted = [
            (one, numbers[2 * x], numbers[2 * x + 1])
            for x in range(plan.phones_each // 2)
            for one, numbers in here
        ]
        for begin in range(0, plan.calls, _CALLS_AT_ONCE):
            some = [
                wanted[x % len(wanted)]
                for x in range(begin, min(plan.calls, begin + _CALLS_AT_ONCE))
            ]
            ids = await asyncio.gather(*(cluster.order(*x) for x in some))
            for call_id in ids:
                await pbx.answer(call_id)
            await _answered(cluster, some[-1], ids[-1])


async def _answered(
    cluster: ScriptedCluster, call: tuple[Organization, str, str], call_id: str
) -> None:
    """More events than the service queues would make it drop the link."""
    client = await cluster.client(call[0])
    path = f"/uapi/phoneCalls/@me/{call[1].partition('*')[2]}/{call_id}"

    async def shown() -> bool:
        return TALKS in (await client.request("GET", path))[1]

    await eventually(shown, _SETTLED_LIMIT_S)


async def _lists(cluster: ScriptedCluster, name: str, plan: Plan) -> tuple[float, float]:
    """ms: p50 of the list of one extension, and of all extensions of an organization."""
    instance = cluster.instances[name]
    at_hand = await _homes_at(cluster, instance)
    organization = next(x for x in cluster.organizations if cluster.homes[x.prefix] in at_hand)
    client = await cluster.client(organization, name)
    short = organization.extensions[0].partition("*")[2]
    of_one = await _asked_ms(client, f"/uapi/phoneCalls/@me/{short}", plan.lists)
    of_all = await _asked_ms(client, "/uapi/phoneCalls/@me/@self", max(3, plan.lists // 10))
    return of_one, of_all


async def _homes_at(cluster: ScriptedCluster, instance: Instance) -> set[str]:
    told = (await instance.health())["pbxs"]
    return {x["name"] for x in told if x["holder"] == instance.name}


async def _asked_ms(client: BareHttp, path: str, count: int) -> float:
    took = []
    for _ in range(count):
        began = time.perf_counter()
        status, body = await client.request("GET", path)
        took.append((time.perf_counter() - began) * 1000)
        assert status == 200, body
        assert json.loads(body)["entry"], body
    return percentile(took, 50)


async def _thirds(cluster: ScriptedCluster, found: Large, plan: Plan) -> None:
    """Two more instances, which get their share; one of them is asked about another's calls."""
    calls = await cluster.live_calls()
    second = await cluster.start("b")
    found.add("memory_empty", resident_bytes(second.pid) / 2**20)
    third = await cluster.start("c")
    await cluster.settled()
    await cluster.wait_live_calls(calls)
    for one in (second, third):
        await _all_done(one, await one.holds())
    memory = [resident_bytes(x.pid) / 2**20 for x in (second, third)]
    found.add("memory_third", sum(memory) / 2)
    elsewhere = await _homes_at(cluster, third)
    organization = next(x for x in cluster.organizations if cluster.homes[x.prefix] in elsewhere)
    client = await cluster.client(organization, "b")
    short = organization.extensions[0].partition("*")[2]
    found.add(
        "list_elsewhere", await _asked_ms(client, f"/uapi/phoneCalls/@me/{short}", plan.lists)
    )
    for name in ("b", "c"):
        await cluster.kill(name)
    await cluster.settled()
    await cluster.wait_live_calls(calls)
    await asyncio.sleep(_QUIET_S)  # what the takeover has begun is over


async def _takeover(cluster: ScriptedCluster, found: Large) -> None:
    """The holder of all is killed while another runs that holds nothing yet."""
    calls = await cluster.live_calls()
    next_one = await cluster.start("d")
    assert await next_one.holds() == 0, "it has got its share already"
    began = time.monotonic()
    await cluster.kill("a")
    silence = asyncio.create_task(_longest_answer_ms(next_one))
    first = 0.0

    async def has_all() -> bool:
        nonlocal first
        health = await next_one.health()
        held = [x for x in health["pbxs"] if x["holder"] == "d"]
        if held and not first:
            first = time.monotonic()
        return len(held) == len(cluster.pbxs) and health["liveCalls"] == calls

    await eventually(has_all, _SETTLED_LIMIT_S, why=lambda: next_one.log_text()[-3000:])
    found.add("takeover", time.monotonic() - began)
    found.add("takeover_work", time.monotonic() - first)
    await _all_done(next_one, len(cluster.pbxs))
    silence.cancel()
    found.add("takeover_silence", await silence)


async def _longest_answer_ms(instance: Instance) -> float:
    """Until it is cancelled."""
    longest = 0.0
    try:
        while True:
            began = time.monotonic()
            await instance.http.request("GET", "/health/live")
            longest = max(longest, (time.monotonic() - began) * 1000)
            await asyncio.sleep(_POLL_S)  # what is asked for is how long the loop is silent
    except asyncio.CancelledError:
        return longest


def told(found: Sequence[Large]) -> str:
    """The table: a column for each size."""
    rows = [
        (
            what,
            *(spread(x.found[name], digits) if name in x.found else "-" for x in found),
        )
        for name, (what, digits) in ROWS.items()
        if any(name in x.found for x in found)
    ]
    heads = (
        f"{x.pbxs} {'PBX' if x.pbxs == 1 else 'PBXs'}, {x.calls:,} calls, {x.phones:,} phones"
        for x in found
    )
    return table(("what", *heads), rows)
