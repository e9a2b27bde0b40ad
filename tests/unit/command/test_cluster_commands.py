"""`uapi-bridge cluster`, `cluster drain` and `cluster return`: what they say, and their exit codes.

The state is in a fake of the database; `tests/cluster` runs them against PostgreSQL.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bridge.cluster import lease_connection
from bridge.cluster.placement_choice import PbxCondition, PbxState
from bridge.command.cluster import commands, database
from tests.unit.cluster.fake_postgresql import FakePostgresql, Rows


class FakeCluster:
    """Leases and instances; `after_drain`: those to whom the leases of a draining one go."""

    def __init__(self) -> None:
        self.holders = {"pbx:pbx1": "a", **{f"hooks:{n}": "a" for n in range(16)}}
        self.living = ["a", "b"]
        self.draining: set[str] = set()
        self.heir = ""

    def answer(self, sql: str, params: tuple[object, ...]) -> Rows:
        if "live_calls" in sql:
            return [{"pbx": "pbx1", "live_calls": 4}]
        if "event_deliveries" in sql:
            return [{"subscription_id": "s1", "waiting": 2, "oldest_ms": 900}]
        if "organizations" in sql:
            return [{"pbx": "pbx1", "organizations": 3}]
        if "FROM instances WHERE" in sql:
            return [self._instance(x) for x in self.living]
        if "expires_ms < " in sql:
            return [self._lease(*x) for x in self.holders.items()]
        assert "SET draining" in sql
        return self._told(str(params[0]), bool(params[1]))

    async def read_states(self, _: object, pbx_names: list[str]) -> list[PbxState]:
        return [PbxState(x, PbxCondition.READY, 30.0) for x in pbx_names]

    def _told(self, name: str, draining: bool) -> Rows:
        if name not in self.living:
            return []
        if draining:
            self.draining.add(name)
            if self.heir:
                self.holders = dict.fromkeys(self.holders, self.heir)
        else:
            self.draining.discard(name)
        return [{"pg_notify": ""}]

    def _instance(self, name: str) -> dict[str, Any]:
        said = {"name": name, "url": f"http://{name}", "lives": True, "silent_ms": 5}
        return {
            **said,
            "draining": int(name in self.draining),
            "directory_hash": "h",
            "version": "1",
            "write_lag_ms": 20,
            "pushed_hash": "h",
        }

    def _lease(self, resource: str, holder: str) -> dict[str, Any]:
        lease = {"resource": resource, "holder": holder, "epoch": 7}
        return {**lease, "url": f"http://{holder}", "expires_ms": 1, "over": False}


@pytest.fixture
def postgresql(monkeypatch: pytest.MonkeyPatch) -> FakePostgresql:
    monkeypatch.setenv("BRIDGE_DATABASE_URL", "postgresql+asyncpg://db/cluster")
    fake = FakePostgresql()
    monkeypatch.setattr(lease_connection, "create_async_engine", fake.create_async_engine)
    return fake


@pytest.fixture
def cluster(postgresql: FakePostgresql, monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    made = FakeCluster()
    postgresql.answer = made.answer
    monkeypatch.setattr(database, "reading", contextlib.nullcontext)  # an async one, too
    monkeypatch.setattr(database, "read_states", made.read_states)
    return made


def run(*words: str) -> Result:
    return CliRunner().invoke(commands.app, words)


def test_the_state_is_shown_and_0_says_that_all_is_held(cluster: FakeCluster) -> None:
    shown = run()
    assert shown.exit_code == 0, shown.output
    assert "pbx1 a 7 3 4 ready" in [" ".join(x.split()) for x in shown.output.splitlines()]


def test_a_pbx_that_nobody_acts_for_is_a_failure_in_json_too(cluster: FakeCluster) -> None:
    cluster.holders["pbx:pbx1"] = "dead"
    shown = run("--json")
    assert shown.exit_code == 1
    pbx = json.loads(shown.output)["pbxs"][0]
    assert (pbx["holder"], pbx["lives"], pbx["organizations"]) == ("dead", False, 3)


def test_a_drain_ends_once_another_has_all(cluster: FakeCluster) -> None:
    cluster.heir = "b"
    done = run("drain", "a")
    assert (done.exit_code, done.output) == (0, "a acts for nothing any more\n")
    assert cluster.draining == {"a"}


def test_a_drain_that_takes_too_long_says_what_is_left_and_how_to_end_it(
    cluster: FakeCluster,
) -> None:
    done = run("drain", "a", "--within-s", "0")
    assert done.exit_code == 1
    assert done.stderr.startswith("a still has pbx:pbx1, hooks:0")
    assert "until: uapi-bridge cluster return a" in done.stderr
    assert "no other instance" not in done.stderr


def test_a_drain_of_the_only_one_says_that_no_other_takes_leases(cluster: FakeCluster) -> None:
    cluster.living = ["a"]
    assert "no other instance takes leases" in run("drain", "a", "--within-s", "0").stderr


def test_a_drain_looks_again_until_all_is_handed_over(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "_POLL_S", 0)
    looks = 0
    lease = cluster._lease  # noqa: SLF001

    def later(resource: str, holder: str) -> dict[str, Any]:
        nonlocal looks
        looks += 1
        return lease(resource, "a" if looks < 3 * len(cluster.holders) else "b")

    monkeypatch.setattr(cluster, "_lease", later)
    assert run("drain", "a").exit_code == 0
    assert looks >= 3 * len(cluster.holders)


def test_a_draining_one_takes_leases_again(cluster: FakeCluster) -> None:
    cluster.draining = {"a"}
    done = run("return", "a")
    assert (done.exit_code, done.output) == (0, "a takes leases again\n")
    assert cluster.draining == set()


@pytest.mark.parametrize("command", ["drain", "return"])
def test_an_unknown_instance_is_told(cluster: FakeCluster, command: str) -> None:
    done = run(command, "c")
    assert (done.exit_code, done.stderr) == (1, "no instance c lives\n")


def test_without_the_database_it_fails_and_names_it(postgresql: FakePostgresql) -> None:
    postgresql.down = ConnectionRefusedError("refused")
    done = run()
    assert done.exit_code == 1
    assert done.stderr == "no leases from PostgreSQL db:5432/cluster: refused\n"


def test_an_interrupt_has_its_own_code(postgresql: FakePostgresql) -> None:
    def interrupt(_sql: str, _params: object) -> Rows:
        raise KeyboardInterrupt

    postgresql.answer = interrupt
    assert run("drain", "a").exit_code == 130


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("BRIDGE_DATABASE_URL", "sqlite+aiosqlite:///x.db", "names no PostgreSQL"),
        ("BRIDGE_LOG_LEVEL", "LOUD", "BRIDGE_LOG_LEVEL"),
    ],
)
def test_wrong_settings_are_told_with_their_own_code(
    postgresql: FakePostgresql, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    done = run()
    assert done.exit_code == 2
    assert says in done.stderr
    assert postgresql.connects == []
