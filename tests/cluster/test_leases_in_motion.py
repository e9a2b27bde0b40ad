"""Leases that change hands while requests fly, clocks that differ, and keys at all instances."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import aiohttp

from bridge.cluster.forward_client import MISDIRECTED
from bridge.cluster.forward_header import HEADER, Forward, ForwardSigner, RequestShape
from bridge.cluster.lease import pbx_resource
from bridge.testing.lab.api_client import Answer
from tests.cluster.several_instances import CLUSTER_SECRET, several_instances

PHONE, PUBLIC = "210", "3235742879"
LIST = f"/uapi/phoneCalls/@me/{PHONE}"


async def test_requests_fly_while_the_lease_is_swapped(tmp_path: Path, postgresql_url: str) -> None:
    """`a` has the node all the time; the others believe now this and now that."""
    async with several_instances(
        tmp_path,
        postgresql_url,
        names=("a", "b", "c"),
        calls_per_second=100,
        calls_per_extension_max=1000,
        calls_per_user_max=1000,
    ) as several:
        await several.hold("one", "a")
        resource = pbx_resource("one")
        of_a = several.leases.get(resource)
        assert of_a is not None
        of_b = replace(of_a, holder="b", url=several.relay_url("b"))
        at_c = await several.client("c")
        await at_c.authenticate()
        leases = several.instances["c"].leases
        leases.lag_stays = True

        async def swap() -> None:
            epoch = 10
            while True:
                epoch += 1
                leases.lags[resource] = replace((of_a, of_b)[epoch % 2], epoch=epoch)
                await asyncio.sleep(0.004)  # the requests fly meanwhile

        swapping = asyncio.create_task(swap())
        began_s = asyncio.get_running_loop().time()
        answers: list[Answer] = await asyncio.gather(
            *(at_c.create(["5354353"], [PUBLIC], extension=PHONE) for _ in range(40))
        )
        assert asyncio.get_running_loop().time() - began_s < 6  # the deadline, for all of them
        swapping.cancel()
        placed = [x.json[0]["id"] for x in answers if x.status == 202]
        assert {x.status for x in answers} <= {202, 503}
        assert placed
        assert len(set(placed)) == len(placed) == several.originates("one")
        # Whoever was asked in vain did not ask anybody else.
        assert several.instances["b"].leases.looks == 0


async def test_a_forwarded_request_is_never_forwarded_again(
    tmp_path: Path, postgresql_url: str
) -> None:
    async with several_instances(tmp_path, postgresql_url) as several:
        await several.hold("one", "a")
        clock = await several.clock("b")
        host = several.base_url("b").removeprefix("http://")
        shape = RequestShape("GET", LIST, {"host": host})
        forward = Forward("a", "b", "one", clock.now_ms() + 2_000, principal="user-12")
        header, proof = ForwardSigner(CLUSTER_SECRET, "a").sign(forward, shape, b"")
        began_s = asyncio.get_running_loop().time()
        async with (
            aiohttp.ClientSession() as http,
            http.get(several.base_url("b") + LIST, headers={HEADER: header}) as answer,
        ):
            assert (answer.status, answer.headers[HEADER]) == (MISDIRECTED, proof)
        assert asyncio.get_running_loop().time() - began_s < 1


async def test_a_wall_clock_that_jumps_does_no_harm(tmp_path: Path, postgresql_url: str) -> None:
    """It is an hour late at once; the deadlines are those of the database."""
    async with several_instances(tmp_path, postgresql_url) as several:
        await several.hold("one", "a")
        at_b = await several.client("b")
        await at_b.authenticate()
        hour_late = SimpleNamespace(time_ns=lambda: time.time_ns() - 3_600_000_000_000)
        with patch("bridge.clock.time", hour_late):
            created = await at_b.create(["5354353"], [PUBLIC], extension=PHONE)
        assert created.status == 202
        listed = await at_b.request("GET", LIST)
        assert [x["id"] for x in listed.json["entry"]] == [created.json[0]["id"]]


async def test_one_key_at_three_instances_at_once_places_one_call(
    tmp_path: Path, postgresql_url: str
) -> None:
    async with several_instances(
        tmp_path,
        postgresql_url,
        names=("a", "b", "c"),
        calls_per_second=100,
        calls_per_extension_max=1000,
        calls_per_user_max=1000,
    ) as several:
        await several.hold("one", "a")
        clients = [await several.client(x) for x in "abc"]
        for client in clients:
            await client.authenticate()
        rounds = 20
        for number in range(rounds):
            key = {"Idempotency-Key": f"key-{number}"}
            answers: list[Answer] = await asyncio.gather(
                *(x.create(["5354353"], [PUBLIC], extension=PHONE, headers=key) for x in clients)
            )
            assert {x.status for x in answers} == {202}, [x.text for x in answers]
            assert len({x.json[0]["id"] for x in answers}) == 1
            replayed = [x.headers.get("Idempotent-Replayed") for x in answers]
            assert sorted(map(str, replayed)) == ["None", "true", "true"]
            # What was accepted at one is ended at another at once.
            call_id = answers[0].json[0]["id"]
            ended = await clients[number % 3].request("DELETE", f"{LIST}/{call_id}")
            assert ended.status == 200
        assert several.originates("one") == rounds
