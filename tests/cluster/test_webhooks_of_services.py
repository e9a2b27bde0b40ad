"""Webhooks of two whole services over one PBX: each event once and in order, whoever dies."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.webhook_receiver import Receiver

from .calls_of_cluster import finals, talks
from .running_cluster import RunningCluster, open_cluster

pytestmark = pytest.mark.asyncio(loop_scope="session")

_EVENTS = "/uapi/extensions/@me/210/phoneCallEvents"
_SUBSCRIPTIONS = 5
_HANG_UP = 2


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningCluster]:
    async with open_cluster(tmp_path_factory.mktemp("short"), ["a", "b"]) as running:
        yield running


async def test_given_subscriptions_at_the_other_instance_when_it_is_killed_then_each_end_comes_once(
    cluster: RunningCluster,
) -> None:
    """Also right after they were made. Then the instance that follows the calls is killed."""
    first = await cluster.holder()
    [second] = set(cluster.instances) - {first}
    async with (
        Receiver() as receiver,
        cluster.client(first) as one,
        cluster.client(second) as other,
    ):
        await one.authenticate()
        await other.authenticate()
        [tried, *_] = [
            await _subscribe(other, receiver.url(f"/{number}")) for number in range(_SUBSCRIPTIONS)
        ]
        await eventually(lambda: _both_have_shards(cluster), 40)
        ended = await talks(one, 2)
        for call_id in ended:
            await one.hang_up("210", call_id)
        await _come(receiver, 2)
        for api in (one, other):  # only one of them delivers to it
            tested = await api.request("POST", f"{_EVENTS}/{_HANG_UP}/{tried}/test")
            assert (tested.status, tested.json["status"]) == (200, 200)
        ended += await talks(one, 3)
        cluster.hit(first, signal.SIGKILL)
        await cluster.wait_held(second)
        assert len((await other.hang_up()).json) == 3
        await finals(cluster, ended)
        await _come(receiver, 5)
    for number in range(_SUBSCRIPTIONS):
        events = receiver.at(f"/{number}")
        sequences = [x.sequence for x in events]
        assert sequences == list(range(1, 8 if number == 0 else 6))
        of_calls = [x.json for x in events if not x.json.get("test")]
        assert sorted(x["phoneCallId"] for x in of_calls) == sorted(ended)
        numbers = [x.json["extensionSequence"] for x in events]
        assert numbers == sorted(set(numbers))


async def _subscribe(api: ApiClient, url: str) -> str:
    body = {"type": _HANG_UP, "url": url, "method": 1, "format": "json"}
    answer = await api.request("POST", _EVENTS, body=body)
    assert answer.status == 200, answer.text
    return str(answer.json["id"])


async def _both_have_shards(cluster: RunningCluster) -> bool:
    rows = await cluster.rows("SELECT DISTINCT holder FROM leases WHERE resource LIKE 'hooks:%'")
    return len(rows) == len(cluster.instances)


async def _come(receiver: Receiver, count: int) -> None:
    def came() -> Sequence[int]:
        return [len(receiver.at(f"/{x}")) for x in range(_SUBSCRIPTIONS)]

    await eventually(lambda: min(came()) >= count, 20, why=came)
