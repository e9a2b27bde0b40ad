"""What the rows of leases mean for the keeper. The statements run in tests/cluster/leases."""

from __future__ import annotations

from typing import Any, cast

import pytest

from bridge.cluster.instances import Instance
from bridge.cluster.lease import Lease
from bridge.cluster.lease_connection import LeaseConnection
from bridge.cluster.lease_store import (
    CHANNEL,
    LeaseStore,
    OwnInstance,
    Registration,
    Renewal,
    SeenLease,
)
from bridge.cluster.lease_times import LeaseTimes
from bridge.faults import StorageUnavailable

PBX = "pbx:one"
ROW = {"resource": PBX, "holder": "b", "epoch": 7, "url": "http://b", "expires_ms": 5, "over": True}


class FakeConnection:
    """`says`: the rows of each statement in turn, or what it raises."""

    def __init__(self, *says: list[dict[str, Any]] | Exception) -> None:
        self._says = list(says)
        self.asked: list[tuple[object, ...]] = []
        self.channels: list[str] = []
        self.is_up = True
        self.up_since_s = 3.0

    def listen_to(self, channel: str) -> None:
        self.channels.append(channel)

    async def ask(self, _sql: str, *params: object) -> list[dict[str, Any]]:
        self.asked.append(params)
        said = self._says.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


def store(connection: FakeConnection) -> LeaseStore:
    own = OwnInstance("a", "http://a", "this process", "1.2")
    return LeaseStore(cast("LeaseConnection", connection), own, LeaseTimes(ttl_s=5))


def test_it_listens_for_leases_and_tells_since_when() -> None:
    connection = FakeConnection()
    assert store(connection).up_since_s == 3.0
    assert connection.channels == [CHANNEL]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"done": True, "beat_ms": None}, Registration(True, 0)),
        ({"done": False, "beat_ms": 99}, Registration(False, 99)),
    ],
)
async def test_a_name_is_had_or_another_process_beats(
    row: dict[str, Any], told: Registration
) -> None:
    connection = FakeConnection([row])
    assert await store(connection).register(42) == told
    assert connection.asked[0][:6] == ("a", "http://a", "1.2", "this process", 5000, 42)


@pytest.mark.parametrize(("draining", "told"), [(None, None), (0, False), (1, True)])
async def test_a_renewal_tells_what_is_left_and_whether_to_drain(
    draining: int | None, told: bool | None
) -> None:
    connection = FakeConnection([{"draining": draining, "renewed": [PBX]}])
    mine = [Lease(PBX, "a", 7, "http://a"), Lease("hooks:1", "a", 9, "http://a")]
    assert await store(connection).renew(mine, "hash", 80) == Renewal(told, frozenset({PBX}))
    assert connection.asked == [("a", "this process", "hash", 5000, [PBX, "hooks:1"], [7, 9], 80)]


@pytest.mark.parametrize(("pushed", "old"), [(None, False), ("h", False), ("newer", True)])
async def test_a_look_gives_leases_and_instances(pushed: str | None, old: bool) -> None:
    row = {"name": "b", "url": "http://b", "lives": True, "silent_ms": -3, "draining": 1}
    row |= {"directory_hash": "h", "version": "1.2", "write_lag_ms": 80, "pushed_hash": pushed}
    seen = await store(FakeConnection([ROW], [row])).look()
    assert seen.leases == {PBX: SeenLease(PBX, "b", 7, "http://b", 5, True)}
    assert seen.instances == (Instance("b", "http://b", True, 0, True, "h", "1.2", 80, old),)
    assert seen.pushed_hash == (pushed or "")


async def test_a_lease_is_claimed_as_it_was_seen() -> None:
    connection = FakeConnection([{"epoch": 8}])
    seen = SeenLease(PBX, "b", 7, "http://b", 5, True)
    assert await store(connection).claim(PBX, seen) == Lease(PBX, "a", 8, "http://a")
    assert connection.asked == [(PBX, "a", "http://a", 5000, 7, 5, CHANNEL)]


async def test_the_first_claim_of_a_resource_makes_its_row() -> None:
    connection = FakeConnection([], [{"resource": PBX}], [{"epoch": 1}])
    assert await store(connection).claim(PBX, None) == Lease(PBX, "a", 1, "http://a")
    claim = (PBX, "a", "http://a", 5000, -1, -1, CHANNEL)
    assert connection.asked == [claim, (PBX,), claim]


async def test_a_lease_that_another_has_is_not_claimed() -> None:
    connection = FakeConnection([], [])
    assert await store(connection).claim(PBX, None) is None
    assert len(connection.asked) == 2


@pytest.mark.parametrize(
    ("timed_out", "is_up", "is_raised"),
    [(True, True, False), (True, False, True), (False, True, True)],
)
async def test_a_claim_during_a_commit_finds_nothing_and_other_faults_are_raised(
    timed_out: bool, is_up: bool, is_raised: bool
) -> None:
    connection = FakeConnection(StorageUnavailable("busy", timed_out=timed_out))
    connection.is_up = is_up
    claim = store(connection).claim(PBX, None)
    if is_raised:
        with pytest.raises(StorageUnavailable, match="busy"):
            await claim
    else:
        assert await claim is None


async def test_only_its_own_lease_and_its_own_process_are_ended() -> None:
    connection = FakeConnection([], [])
    rows = store(connection)
    await rows.release(Lease(PBX, "a", 7, "http://a"))
    await rows.leave()
    assert connection.asked == [(PBX, "a", 7, CHANNEL), ("a", "this process", CHANNEL)]


@pytest.mark.parametrize(("rows", "told"), [([], False), ([{"pg_notify": ""}], True)])
async def test_an_instance_is_told_to_drain_if_it_lives(
    rows: list[dict[str, Any]], told: bool
) -> None:
    connection = FakeConnection(rows)
    assert await store(connection).set_draining("b", True) is told
    assert connection.asked == [("b", 1, 5000, CHANNEL)]
