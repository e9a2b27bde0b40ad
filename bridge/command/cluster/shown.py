"""The state of a cluster for a person at a terminal, or as JSON for a program."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table

from bridge.cluster.instances import Instance
from bridge.command.cluster.lag import ShardLag
from bridge.command.cluster.state import ClusterState, Held


def as_object(state: ClusterState) -> dict[str, Any]:
    """The state as one JSON object."""
    return {
        "instances": [
            {
                "name": x.name,
                "url": x.url,
                "state": _state(x),
                "silentMs": x.silent_ms,
                "writeLagMs": x.write_lag_ms,
                "version": x.version,
                "directoryHash": x.directory_hash,
                "oldDirectory": x.old_directory,
                "holds": [y.resource for y in state.held_by(x.name)],
            }
            for x in state.instances
        ],
        "pbxs": [
            {
                **_lease(x),
                "organizations": state.organizations.get(x.name, 0),
                "state": y.condition.value,
                "stateSeconds": round(y.for_s),
                "draining": y.draining,
                "liveCalls": state.lag.live_calls.get(x.name, 0),
            }
            for x, y in zip(state.pbxs, state.pbx_states, strict=True)
        ],
        "shards": [
            {**_lease(x), "waiting": lag.waiting, "oldestMs": lag.oldest_ms}
            for x, lag in _shards(state)
        ],
        "jobs": [_lease(x) for x in state.jobs],
    }


def print_state(state: ClusterState) -> None:
    """Tables: the instances with their shards, the PBXs, the shards whose deliveries wait."""
    console = Console()
    instances = _table(
        "instance", "state", "silent", "write lag", "version", "directory", "shards", "jobs"
    )
    for x in state.instances:
        instances.add_row(
            x.name,
            _state(x),
            _seconds(x.silent_ms),
            _seconds(x.write_lag_ms),
            x.version,
            f"{x.directory_hash[:8]}{' (old)' if x.old_directory else ''}",
            _ranges(int(y.name) for y in state.shards if y.holder == x.name),
            ", ".join(y.name for y in state.jobs if y.holder == x.name),
        )
    console.print(instances)
    pbxs = _table("PBX", "holder", "epoch", "organizations", "live calls", "state")
    for one, known in zip(state.pbxs, state.pbx_states, strict=True):
        holder = one.holder if one.lives or not one.holder else f"{one.holder} (silent)"
        organizations = str(state.organizations.get(one.name, 0))
        condition = f"{known.condition.value}{', draining' if known.draining else ''}"
        calls = str(state.lag.live_calls.get(one.name, 0))
        counts = (str(one.epoch), organizations, calls)
        pbxs.add_row(one.name, holder or "nobody", *counts, condition)
    console.print()
    console.print(pbxs)
    _print_waiting(console, state)
    if lost := [int(x.name) for x in state.shards if not x.lives]:
        console.print(f"\nshards of webhooks that nobody sends: {_ranges(lost)}")


def _print_waiting(console: Console, state: ClusterState) -> None:
    """Nothing where no delivery waits, as nearly always."""
    shards = _table("shard", "holder", "epoch", "waiting", "oldest")
    for one, lag in _shards(state):
        if lag.waiting:
            holder = one.holder or "nobody"
            shards.add_row(
                one.name, holder, str(one.epoch), str(lag.waiting), _seconds(lag.oldest_ms)
            )
    if shards.row_count:
        console.print()
        console.print(shards)


def _shards(state: ClusterState) -> list[tuple[Held, ShardLag]]:
    return [(x, state.lag.shards.get(int(x.name), ShardLag())) for x in state.shards]


def _seconds(duration_ms: int) -> str:
    return f"{duration_ms / 1000:.1f} s"


def _lease(held: Held) -> dict[str, Any]:
    return {"name": held.name, "holder": held.holder, "epoch": held.epoch, "lives": held.lives}


def _state(instance: Instance) -> str:
    if not instance.lives:
        return "silent"
    return "draining" if instance.draining else "lives"


def _ranges(numbers: Iterable[int]) -> str:
    """`0-3, 7`"""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{x[0]}-{x[-1]}" if len(x) > 1 else str(x[0]) for x in runs)


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold")
    return table
