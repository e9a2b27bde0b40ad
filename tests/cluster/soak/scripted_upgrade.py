"""A new version, one instance after the other, under more calls than Asterisks here could bear.

PBXs are scripts that play the events of a real call. All else is real: PostgreSQL, three instances,
and HAProxy in front of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import shutil
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp

from bridge.testing.eventually import eventually
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.webhook_receiver import Receiver
from tests.bench.directory_file import CLIENT_SECRET
from tests.bench.generated_calls import CallTemplate
from tests.bench.scripted_pbx import ScriptedPbx
from tests.cluster.lab.haproxy import HaProxy
from tests.cluster.scale.organizations import Organization, organizations, write_organizations
from tests.cluster.scale.scripted_cluster import (
    Instance,
    ScriptedCluster,
    in_turns_of,
    open_scripted_cluster,
)
from tests.integration.storage.lease_rows import connected
from tests.integration.storage.private_postgresql import PrivatePostgresql
from tests.pbx.phone_call_events.subscriber import HANG_UP

from .balance import told
from .upgrade import upgrade
from .upgraded import Answered, Upgraded

ORGANIZATIONS, PBXS, INSTANCES = 10, 2, 3
_STEADY_S = 3.0
_TALK_S = (0.5, 4.0)
_AGAIN_AFTER_S = 0.25
_GIVES_UP_S = 40.0
_ENDED_WITHIN_S = 60.0
_SETTINGS = {
    "provision_phones": "false",
    "refuse_unreachable_sources": "false",
    "events_private_targets": "true",
    "events_connections_per_host_max": "16",
}


class _Whole:
    """The instances of a scripted cluster, as `upgrade` needs them."""

    def __init__(self, cluster: ScriptedCluster) -> None:
        self._cluster = cluster

    @property
    def instances(self) -> Sequence[Instance]:
        return list(self._cluster.instances.values())

    async def rows(self, query: str, *values: object) -> Sequence[Mapping[str, Any]]:
        async with connected(self._cluster.database_url) as connection:
            return list(await connection.fetch(query, *values))


class _Load:
    """Each request is made once; a create that was not accepted is made again with its key."""

    def __init__(self, url: str, drawn: random.Random, outcome: Upgraded) -> None:
        self._url = url
        self._drawn = drawn
        self._outcome = outcome
        self._tokens: dict[Organization, str] = {}
        self._name = uuid4().hex
        self._http: aiohttp.ClientSession

    @asynccontextmanager
    async def opened(self, all_of_them: Sequence[Organization]) -> AsyncIterator[_Load]:
        connector = aiohttp.TCPConnector(limit=0)
        limit = aiohttp.ClientTimeout(total=20)
        async with aiohttp.ClientSession(connector=connector, timeout=limit) as self._http:
            for one in all_of_them:
                self._tokens[one] = await self._token(one)
            yield self

    async def _token(self, one: Organization) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": one.client_id,
            "client_secret": CLIENT_SECRET,
        }
        async with self._http.post(f"{self._url}/oauth/token.php", data=form) as answer:
            assert answer.status == 200, await answer.text()
            return str((await answer.json())["access_token"])

    async def subscribe(self, one: Organization, url: str) -> None:
        path = f"/uapi/extensions/@me/{_short(one)}/phoneCallEvents"
        body = {"type": HANG_UP, "url": url, "method": 1}
        status, text = await self._asked(one, "POST", path, body)
        assert status == 200, text

    async def run(self, over: asyncio.Event, per_second: float) -> None:
        """Calls of all organizations in turn, each at its moment, until it is `over`."""
        began_s, number = time.monotonic(), 0
        everyone = list(self._tokens)
        async with asyncio.TaskGroup() as group:
            while not over.is_set():
                early_s = began_s + number / per_second - time.monotonic()
                if early_s > 0:
                    await asyncio.sleep(early_s)  # until the moment at which the call is due
                group.create_task(self._call(number, everyone[number % len(everyone)]))
                number += 1

    async def _call(self, number: int, one: Organization) -> None:
        source, destination = (x.partition("*")[2] for x in one.extensions[:2])
        body = {
            "extension": source,
            "phoneCallView": [{"source": [source], "destination": [destination]}],
        }
        key = {"Idempotency-Key": f"{self._name}-{number}"}
        answer = await self._until_done(202, one, "POST", "/uapi/phoneCalls/@me/simple", body, key)
        if not answer:
            return
        call_id = str(json.loads(answer)[0]["id"])
        self._outcome.accepted.append(call_id)
        await asyncio.sleep(self._drawn.uniform(*_TALK_S))  # they talk
        await self._until_done(200, one, "DELETE", f"/uapi/phoneCalls/@me/{source}/{call_id}")

    async def _until_done(self, wanted: int, *asked: Any) -> str:
        end_s, status, text = time.monotonic() + _GIVES_UP_S, 0, ""
        while time.monotonic() < end_s:
            status, text = await self._asked(*asked)
            if status == wanted or (asked[1] == "DELETE" and status in (204, 404)):
                return text
            await asyncio.sleep(_AGAIN_AFTER_S)  # as an app waits before it asks again
        self._outcome.given_up.append(
            f"no {wanted} in {_GIVES_UP_S} s, but {status} {text}: {asked}"
        )
        return ""

    async def _asked(
        self,
        one: Organization,
        method: str,
        path: str,
        body: object = None,
        more: Mapping[str, str] | None = None,
    ) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {self._tokens[one]}", **(more or {})}
        data = None if body is None else json.dumps(body).encode()
        began_s, status, text = time.monotonic(), 0, ""
        try:
            async with self._http.request(
                method, self._url + path, data=data, headers=headers
            ) as answer:
                status, text = answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError) as why:
            text = repr(why)
        code = "" if status < 400 else text[:200]
        took_s = time.monotonic() - began_s
        self._outcome.answers.append(Answered(time.time(), took_s, method, status, code))
        return status, text


async def upgrade_at_rate(
    folder: Path,
    server: PrivatePostgresql,
    template: CallTemplate,
    per_second: float,
    drawn: random.Random,
    logs: Path | None = None,
) -> Upgraded:
    """Replace all instances by those of a version with new tables, while calls are placed.

    `logs`: a folder in which the logs of the instances are kept.
    """
    all_of_them = organizations(ORGANIZATIONS, 2)
    write_organizations(folder / "directory.yaml", all_of_them)
    pbxs = [ScriptedPbx(template, as_in_life=True) for _ in range(PBXS)]
    outcome = Upgraded()
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(
            open_scripted_cluster(folder / "cluster", server, pbxs, all_of_them, _SETTINGS)
        )
        await in_turns_of([partial(cluster.start, f"i{x}") for x in range(1, INSTANCES + 1)])
        await cluster.settled()
        addresses = [("127.0.0.1", x.port) for x in cluster.instances.values()]
        proxy = HaProxy(folder, ("127.0.0.1", free_http_port()), addresses)
        stack.push_async_callback(proxy.stop)
        await proxy.start()
        receiver = await stack.enter_async_context(Receiver())
        load = await stack.enter_async_context(_Load(proxy.url, drawn, outcome).opened(all_of_them))
        for one in all_of_them:
            await load.subscribe(one, receiver.url(f"/{one.prefix}"))
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(load.run(over, per_second))
            await asyncio.sleep(_STEADY_S)  # before the first one stops
            await upgrade(_Whole(cluster))
            await asyncio.sleep(_STEADY_S)  # and after the last one runs
            over.set()
        await _count(cluster, receiver, outcome)
        if logs is not None:
            for name, instance in cluster.instances.items():
                shutil.copy(instance.log_file, logs / f"{name}.log")
    return outcome


async def _count(cluster: ScriptedCluster, receiver: Receiver, outcome: Upgraded) -> None:
    """Waits until all calls have ended and their events have come, for a minute at most."""
    whole = _Whole(cluster)

    async def settled() -> bool:
        rows = await whole.rows("SELECT id FROM calls WHERE ended_ms IS NOT NULL")
        outcome.finals, outcome.told = {x["id"] for x in rows}, told(receiver)
        return outcome.finals & outcome.told.keys() >= set(outcome.accepted)

    with contextlib.suppress(AssertionError):  # what is missing is counted
        await eventually(settled, _ENDED_WITHIN_S)
    for pbx in cluster.pbxs.values():
        outcome.live |= pbx.live.keys()
        outcome.dialled.update(x.value("ChannelId") for x in pbx.ami.actions("Originate"))
    for instance in whole.instances:
        outcome.faults.update(_unwanted(instance.log_text()))


def _unwanted(log: str) -> list[str]:
    """Errors and tracebacks, without what makes each of them different."""
    found = []
    for line in log.splitlines():
        if line.startswith("{"):
            said = json.loads(line)
            if said["level"] in ("warning", "error", "critical"):
                found.append(f"{said['level']} {said['event']} {said.get('why', '')}".strip())
        elif "Traceback" in line or "Error" in line:
            found.append(line.strip())
    return found


def _short(one: Organization) -> str:
    return one.extensions[0].partition("*")[2]
