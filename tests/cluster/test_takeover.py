"""The instance that holds the PBX stops, dies or freezes: another one has its calls soon."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
import pytest_asyncio

from bridge.cluster.lease_times import LeaseTimes
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.softphones.sipp_behaviour import rings
from bridge.testing.webhook_receiver import Receiver
from tests.pbx.phone_call_events.subscriber import HANG_UP, subscribe, unsubscribe_all

from .calls_of_cluster import (
    all_live,
    answered_on_disk,
    ends_logged,
    final_of,
    finals,
    hang_ups,
    refuses,
    said,
    talks,
)
from .running_cluster import TAKEN_OVER_WITHIN_S, RunningCluster, open_cluster

pytestmark = pytest.mark.asyncio(loop_scope="session")

TALKING, RINGING = 20, 1
LONG_TALKING, LONG_RINGING = 200, 20
SILENT = "5354353", "5302040"
"""They answer, and send no audio, which would keep two cores busy with 200 calls."""
CREATES, CREATES_PER_S = 40, 20

LEASE_S, PAUSED_AFTER_S = LeaseTimes().ttl_s, LeaseTimes().fence_s


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def opened(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> AsyncIterator[RunningCluster]:
    many = {
        "calls_per_extension_max": "1000",
        "calls_per_user_max": "1000",
        "call_queue_wait_ms": "20000",
        "wait_for_pickup_default_s": "300",  # phones ring until a test has ended
    }
    more_ports = {"rtp_ports": 5 * LONG_TALKING} if pytestconfig.getoption("--cluster-long") else {}
    folder = tmp_path_factory.mktemp("short")
    async with open_cluster(folder, ["a", "b"], many, **more_ports) as running:
        yield running


class Stage(NamedTuple):
    """`first` holds the PBX. `one` and `other` are clients of the two instances."""

    cluster: RunningCluster
    first: str
    second: str
    one: ApiClient
    other: ApiClient


@pytest_asyncio.fixture(loop_scope="session")
async def stage(opened: RunningCluster) -> AsyncIterator[Stage]:
    """Both run; afterwards there is no call."""
    await opened.ensure_running()
    first = await opened.holder()
    [second] = set(opened.instances) - {first}
    async with opened.client(first) as one, opened.client(second) as other:
        await one.authenticate()
        await other.authenticate()
        yield Stage(opened, first, second, one, other)
    await opened.ensure_running()
    async with opened.client(await opened.holder()) as client:
        await client.leave_no_call()


async def test_given_the_holder_is_told_to_stop_then_the_other_has_its_calls_within_moments(
    stage: Stage,
) -> None:
    cluster, first, second, one, other = stage
    before = await cluster.wait_held(first)
    ids = await talks(one, 3)
    cluster.hit(first, signal.SIGTERM)
    # Less than the time to live of a lease: it was handed over.
    after = await cluster.wait_held(second, time_limit_s=4.0)
    assert after.epoch == before.epoch + 1
    # The first one says that it stops, and sends requests on to the other meanwhile.
    await all_live(one, ids, 2.0)
    ready = await one.request("GET", "/health/ready")
    assert (ready.status, ready.code) == (503, "instance_stopping")
    assert ready.headers["Connection"] == "close"
    await all_live(other, ids, 2.0)
    assert {x["id"] for x in (await other.hang_up()).json} == set(ids)
    await finals(cluster, ids)
    assert ends_logged(cluster, ids) == {1}


async def test_given_creates_at_the_other_when_the_holder_stops_then_each_is_one_call(
    stage: Stage,
) -> None:
    cluster, first, second, _, other = stage

    async def create(number: int) -> Answer:
        await asyncio.sleep(number / CREATES_PER_S)  # one after the other
        return await other.create(["3235550202"], ["3235550201"], extension="210")

    creates = asyncio.gather(*(create(x) for x in range(CREATES)))
    await asyncio.sleep(CREATES / CREATES_PER_S / 2)  # in the middle of them
    cluster.hit(first, signal.SIGTERM)
    answers = await creates
    assert Counter(x.status for x in answers) == {202: CREATES}, {
        x.text for x in answers if x.status != 202
    }
    await cluster.wait_held(second)
    ids = [x.json[0]["id"] for x in answers]
    for call_id in ids:
        await other.wait_status(call_id, 5, 40)
    await other.hang_up()
    assert {x["disposition"] for x in map(final_of, await finals(cluster, ids))} == {0}
    assert ends_logged(cluster, ids) == {1}


async def test_given_the_holder_is_killed_with_live_calls_then_the_other_lists_all_and_ends_them(
    stage: Stage, pytestconfig: pytest.Config
) -> None:
    cluster, first, _, one, other = stage
    long = pytestconfig.getoption("--cluster-long")
    talking, rung = (LONG_TALKING, LONG_RINGING) if long else (TALKING, RINGING)
    lab = cluster.lab(first)
    async with (
        Receiver() as receiver,
        lab.scripted("0003*213", rings()) as dave,
        lab.phone("0003*211", answer="auto") as bob,
    ):
        await subscribe(one, "210", HANG_UP, receiver.url())
        ids = await talks(one, talking, SILENT)
        for _ in range(rung):
            ids.append(await one.place(["0003*213"], ["3235550201"], extension="210"))
        await eventually(lambda: dave.incoming_invites == rung, 20)
        ends = await one.place(["0003*211"], ["3235550201"], extension="210")
        await bob.wait_established()
        await eventually(lambda: answered_on_disk(cluster, ends))
        killed_s = cluster.hit(first, signal.SIGKILL)
        await bob.hangup()
        # Each of them, and none that was never there.
        await all_live(other, ids)
        listed_s = time.monotonic() - killed_s
        assert listed_s < TAKEN_OVER_WITHIN_S
        if long:
            print(f"{len(ids)} calls listed after {listed_s:.1f} s")  # noqa: T201 - with -s
        [lost] = await finals(cluster, [ends])
        assert "lost while disconnected" in lost["document"]
        assert dave.incoming_invites == rung
        hung_up = (await other.hang_up()).json
        assert {x["id"] for x in hung_up} == set(ids)
        everyone = [*ids, ends]
        await finals(cluster, everyone)
        await dave.wait_closed()
        await eventually(lambda: set(hang_ups(receiver)) >= set(everyone), 20)
        await unsubscribe_all(other, "210")
        assert hang_ups(receiver) == Counter(everyone)
    assert ends_logged(cluster, everyone) == {1}


async def test_given_a_kill_between_accept_and_originate_then_the_call_ends_once_and_never_rings(
    stage: Stage,
) -> None:
    cluster, first, second, one, other = stage
    async with (
        cluster.lab(first).scripted("0003*210", rings()) as alice,
    ):
        key = {"Idempotency-Key": "killed"}
        cluster.ami.freeze_to_server()
        created = await one.create(["210"], ["3235550201"], headers=key)
        assert created.status == 202
        [call] = created.json
        await cluster.ami.wait_held(b"Originate")
        cluster.hit(first, signal.SIGKILL)
        cluster.ami.cut()  # the Originate is lost with the connection
        cluster.ami.thaw()
        await cluster.wait_held(second)
        again = await other.create(["210"], ["3235550201"], headers=key)
        assert (again.status, again.text) == (created.status, created.text)
        [row] = await finals(cluster, [call["id"]])
        assert "instance lost" in row["document"]
        assert alice.incoming_invites == 0
        rows = await cluster.rows("SELECT id FROM calls WHERE id = $1", call["id"])
        assert len(rows) == 1
    assert ends_logged(cluster, [call["id"]]) == {1}


async def test_given_a_delete_at_the_other_when_the_holder_is_killed_meanwhile_then_the_call_ends(
    stage: Stage,
) -> None:
    cluster, first, _, one, other = stage
    call_id = await one.place(["3235550202"], ["3235550201"], extension="210")
    deleted = asyncio.create_task(other.hang_up("210", call_id))
    await asyncio.sleep(0)  # it is under way
    cluster.hit(first, signal.SIGKILL)
    answer = await deleted
    assert answer.status in (200, 503, 504), answer.text

    async def gone() -> bool:  # an app that is told 503 asks again
        return (await other.hang_up("210", call_id)).status in (200, 204, 404)

    if answer.status != 200:
        await eventually(gone, 20)
    await finals(cluster, [call_id])
    await all_live(other, [])
    assert ends_logged(cluster, [call_id]) == {1}


async def test_given_the_holder_freezes_and_thaws_then_it_lets_go_and_nothing_is_doubled(
    stage: Stage,
) -> None:
    cluster, first, second, one, other = stage
    ids = await talks(one, 5)
    since = len(cluster.instances[first].log_lines())
    cluster.hit(first, signal.SIGSTOP)
    frozen_s = time.monotonic()
    await cluster.wait_held(second)
    assert time.monotonic() - frozen_s < TAKEN_OVER_WITHIN_S
    await all_live(other, ids)
    cluster.hit(first, signal.SIGCONT)
    await eventually(lambda: said(cluster, first, "leases_lost", since), 15)
    await eventually(lambda: not cluster.ami_sessions(first), 5)  # closed in its next turn
    held = await cluster.held(first)
    assert held is not None
    assert held.holder == second
    # What it would write now is of an older epoch.
    assert {x["id"] for x in (await other.hang_up()).json} == set(ids)
    await finals(cluster, ids)
    assert ends_logged(cluster, ids) == {1}


async def test_given_the_database_is_away_for_seconds_then_the_same_instance_goes_on(
    stage: Stage,
) -> None:
    cluster, first, _, one, _ = stage
    before, since = await cluster.wait_held(first), len(cluster.instances[first].log_lines())
    ids = await talks(one, 3)
    await asyncio.to_thread(cluster.postgresql.stop)
    try:
        await eventually(lambda: refuses(one), 10)
        # Until every lease has run out, and its holder has stopped by itself.
        await eventually(lambda: said(cluster, first, "leases_paused", since), 10)
        await asyncio.sleep(LEASE_S - PAUSED_AFTER_S + 0.5)  # nobody tells that it is over
        await all_live(one, ids, 1.0)
        ended = await one.hang_up("210", ids[0])
        assert [x["id"] for x in ended.json] == ids[:1]
        for process in cluster.instances.values():
            answer = await one.request("GET", f"{process.base_url}/health/live")
            assert answer.status == 200
    finally:
        await asyncio.to_thread(cluster.postgresql.start)
    back_s = time.monotonic()
    after = await cluster.wait_held(first)
    assert time.monotonic() - back_s < TAKEN_OVER_WITHIN_S
    assert after.epoch == before.epoch
    await all_live(one, ids[1:])
    await one.hang_up()
    await finals(cluster, ids)
    assert ends_logged(cluster, ids) == {1}
