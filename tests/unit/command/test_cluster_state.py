"""`uapi-bridge cluster` tells who acts for what, and what nobody acts for."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bridge.cluster.instances import Instance
from bridge.cluster.lease_store import Seen, SeenLease
from bridge.cluster.placement_choice import PbxCondition, PbxState
from bridge.command.cluster.lag import cluster_lag
from bridge.command.cluster.shown import as_object, print_state
from bridge.command.cluster.state import ClusterState, cluster_state
from bridge.phone_call_events.shards import shard_of

FIRST, SECOND, OTHER = "s1", "s16", "s2"
assert shard_of(FIRST) == shard_of(SECOND) != shard_of(OTHER)
LAG = cluster_lag(
    [{"pbx": "one", "live_calls": 12}],
    [
        {"subscription_id": FIRST, "waiting": 5, "oldest_ms": 800},
        {"subscription_id": SECOND, "waiting": 2, "oldest_ms": 61_400},
        {"subscription_id": OTHER, "waiting": 1, "oldest_ms": -30},  # a clock that is ahead
    ],
)


def instance(name: str, *, lives: bool = True, draining: bool = False) -> Instance:
    old = name == "c"
    url, directory_hash = f"http://{name}", "0123456789abcdef"
    return Instance(name, url, lives, 700, draining, directory_hash, "1.2", 40, old)


def lease(resource: str, holder: str, *, over: bool = False) -> SeenLease:
    return SeenLease(resource, holder, 7, f"http://{holder}", 1, over)


def state_of(*leases: SeenLease) -> ClusterState:
    instances = (instance("a"), instance("b", lives=False), instance("c", draining=True))
    seen = Seen({x.resource: x for x in leases}, instances)
    state = cluster_state(seen, ["one", "two"], {"one": 3})
    known = tuple(PbxState(x.name, PbxCondition.READY, 30.4) for x in state.pbxs)
    return replace(state, lag=LAG, pbx_states=known)


SHARDS = [lease(f"hooks:{n}", "a" if n < 9 else "c") for n in range(16)]


def test_given_all_held_by_the_living_when_looked_at_then_nothing_is_without_a_holder() -> None:
    state = state_of(lease("pbx:one", "a"), lease("pbx:two", "c"), *SHARDS)
    assert state.without_holder == []
    assert [x.resource for x in state.held_by("c")] == [
        "pbx:two",
        *(f"hooks:{n}" for n in range(9, 16)),
    ]


@pytest.mark.parametrize(
    "two", [lease("pbx:two", "b"), lease("pbx:two", "a", over=True), lease("pbx:two", ""), None]
)
def test_given_a_dead_holder_or_none_when_looked_at_then_the_pbx_has_no_holder(
    two: SeenLease | None,
) -> None:
    state = state_of(lease("pbx:one", "a"), *([two] if two else []), *SHARDS)
    assert [x.resource for x in state.without_holder] == ["pbx:two"]


def test_given_a_pbx_that_the_settings_do_not_name_when_it_has_a_lease_then_it_is_shown() -> None:
    state = state_of(lease("pbx:three", "a"))
    assert [x.name for x in state.pbxs] == ["one", "two", "three"]


def test_given_a_state_when_printed_then_each_instance_and_pbx_has_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    state = state_of(
        lease("pbx:one", "a"), lease("pbx:two", "b"), lease("job:purge", "a"), *SHARDS[:12]
    )
    print_state(state)
    lines = [" ".join(x.split()) for x in capsys.readouterr().out.splitlines()]
    assert lines == [
        "instance state silent write lag version directory shards jobs",
        "a lives 0.7 s 0.0 s 1.2 01234567 0-8 purge",
        "b silent 0.7 s 0.0 s 1.2 01234567",
        "c draining 0.7 s 0.0 s 1.2 01234567 (old) 9-11",
        "",
        "PBX holder epoch organizations live calls state",
        "one a 7 3 12 ready",
        "two b (silent) 7 0 0 ready",
        "",
        "shard holder epoch waiting oldest",
        "0 a 7 7 61.4 s",
        "10 c 7 1 0.0 s",
        "",
        "shards of webhooks that nobody sends: 12-15",
    ]


def test_given_a_state_when_written_as_json_then_it_has_all_of_it() -> None:
    made = json.loads(json.dumps(as_object(state_of(lease("pbx:one", "a"), *SHARDS))))
    assert made["instances"][0] == {
        "name": "a",
        "url": "http://a",
        "state": "lives",
        "silentMs": 700,
        "writeLagMs": 40,
        "version": "1.2",
        "directoryHash": "0123456789abcdef",
        "oldDirectory": False,
        "holds": ["pbx:one", *(f"hooks:{n}" for n in range(9))],
    }
    assert made["pbxs"] == [
        {
            "name": "one",
            "holder": "a",
            "epoch": 7,
            "lives": True,
            "organizations": 3,
            "liveCalls": 12,
            "state": "ready",
            "stateSeconds": 30,
            "draining": False,
        },
        {
            "name": "two",
            "holder": "",
            "epoch": 0,
            "lives": False,
            "organizations": 0,
            "liveCalls": 0,
            "state": "ready",
            "stateSeconds": 30,
            "draining": False,
        },
    ]
    assert len(made["shards"]) == 16
    of_both = made["shards"][shard_of(FIRST)]
    assert (of_both["waiting"], of_both["oldestMs"]) == (7, 61_400)
    of_other = made["shards"][shard_of(OTHER)]
    assert (of_other["waiting"], of_other["oldestMs"]) == (1, 0)
    assert sum(x["waiting"] for x in made["shards"]) == 8
