"""The connection between two instances breaks anywhere: a create places one call at most."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.cluster.lease import pbx_resource
from bridge.storage.fence import Fence
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import Answer
from tests.cluster.cutting_relay import Cut, CuttingRelay
from tests.cluster.several_instances import Several, several_instances
from tests.integration.storage.lease_rows import TAKE_OVER, connected, give

PHONE, PUBLIC = "210", "3235742879"
# The request does not get to the holder as a whole.
NOT_ARRIVED = {
    "before the head": Cut(to_server=0),
    "in the head": Cut(to_server=40),
    "before the body": Cut(to_server_after_head=0),
    "in the body": Cut(to_server_after_head=20),
}
# It does; its answer does not get to the first instance.
ARRIVED = {
    "before the answer": Cut(to_client=0),
    "in the head of the answer": Cut(to_client=30),
    "before the body of the answer": Cut(to_client_after_head=0),
    "in the body of the answer": Cut(to_client_after_head=10),
}


def through(several: Several, relay: CuttingRelay, at: str) -> None:
    """The instance `at` reaches the holder of the PBX by the relay."""
    resource = pbx_resource("one")
    lease = several.leases.get(resource)
    assert lease is not None
    several.instances[at].leases.lags[resource] = replace(lease, url=relay.url)
    several.instances[at].leases.lag_stays = True


async def test_one_call_at_most_wherever_it_breaks(tmp_path: Path, postgresql_url: str) -> None:
    async with several_instances(
        tmp_path, postgresql_url, calls_per_second=50, call_queue_wait_ms=0
    ) as several:
        await several.hold("one", "a")
        at_b = await several.client("b")
        await at_b.authenticate()
        async with CuttingRelay(several.settings["a"].http_port) as relay:
            through(several, relay, "b")
            relay.cuts = [*NOT_ARRIVED.values(), *ARRIVED.values()]
            began_s = asyncio.get_running_loop().time()
            answers: list[Answer] = await asyncio.gather(
                *(at_b.create(["5354353"], [PUBLIC], extension=PHONE) for _ in relay.cuts)
            )
            took_s = asyncio.get_running_loop().time() - began_s
        statuses = sorted(x.status for x in answers)
        assert statuses == [202] * len(ARRIVED) + [503] * len(NOT_ARRIVED)
        assert took_s < 8
        assert relay.connections == len(answers)  # nothing was sent a second time
        refused = [x for x in answers if x.status == 503]
        assert {(x.code, x.headers["Retry-After"]) for x in refused} == {("pbx_unavailable", "2")}
        told = {x.json[0]["id"] for x in answers if x.status == 202}
        dialled = [x.value("ChannelId") for x in several.amis["one"].actions("Originate")]
        assert len(dialled) == len(told) == len(ARRIVED)
        assert {x[:20] for x in dialled} == told
        for answer in answers:  # as the holder would have said it
            if answer.status == 202:
                assert answer.json[0]["links"]["self"].startswith(several.base_url("b"))


async def test_a_request_that_was_lost_goes_to_the_next_holder(
    tmp_path: Path, postgresql_url: str
) -> None:
    async with several_instances(tmp_path, postgresql_url, names=("a", "b", "c")) as several:
        await several.hold("one", "a")
        at_c = await several.client("c")
        await at_c.authenticate()
        async with CuttingRelay(several.settings["a"].http_port) as relay:
            through(several, relay, "c")
            relay.cuts = [Cut(to_server_after_head=5)]
            create = asyncio.create_task(at_c.create(["5354353"], [PUBLIC], extension=PHONE))
            await eventually(lambda: relay.connections)
            await several.instances["a"].end_node("one")
            several.instances["c"].leases.lag_stays = False
            await several.hold("one", "b")
            answer = await create
        assert answer.status == 202, answer.text
        assert several.originates("one") == 1
        assert [x.id for x in several.live_calls("b", "one")] == [answer.json[0]["id"]]


@pytest.mark.parametrize("asked", ["b", "a"])
async def test_a_create_that_the_database_fences_goes_to_the_next_holder(
    tmp_path: Path, postgresql_url: str, asked: str
) -> None:
    async with (
        several_instances(tmp_path, postgresql_url) as several,
        connected(postgresql_url) as database,
    ):
        fence = Fence(pbx_resource("one"), 1, "a")
        await give(database, fence)
        several.leases.give("one", "a")
        await several.begin("one", "a", fence)
        await several.begin("one", "b")
        client = await several.client(asked)
        await client.authenticate()
        await database.execute(TAKE_OVER, fence.resource)  # and "a" has not heard of it
        several.instances["a"].told_fenced = lambda _: several.leases.give("one", "b")
        answer = await client.create(["5354353"], [PUBLIC], extension=PHONE)
        assert answer.status == 202, answer.text
        assert several.originates("one") == 1
        assert [x.id for x in several.live_calls("b", "one")] == [answer.json[0]["id"]]


async def test_a_call_that_was_accepted_before_its_holder_died_is_told_and_not_placed_again(
    tmp_path: Path, postgresql_url: str
) -> None:
    async with several_instances(tmp_path, postgresql_url, names=("a", "b", "c")) as several:
        await several.hold("one", "a")
        at_c = await several.client("c")
        await at_c.authenticate()
        async with CuttingRelay(several.settings["a"].http_port) as relay:
            through(several, relay, "c")
            relay.cuts = [Cut(to_client=0)]
            create = asyncio.create_task(at_c.create(["5354353"], [PUBLIC], extension=PHONE))
            await eventually(lambda: several.originates("one"))
            several.instances["c"].leases.lag_stays = False
            several.leases.give("one", "b")  # which has no node yet
            answer = await create
        assert answer.status == 202, answer.text
        assert several.originates("one") == 1
