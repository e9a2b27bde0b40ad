"""The calls of a running cluster, as tests ask for them and count them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.webhook_receiver import Receiver

from .running_cluster import RunningCluster

_ALL = {"count": "1000"}


async def all_live(api: ApiClient, ids: Sequence[str], time_limit_s: float = 40.0) -> None:
    """Until exactly these calls are listed."""
    last: list[str] = []

    async def listed() -> bool:
        nonlocal last
        answer = await api.request("GET", "/uapi/phoneCalls/@me/@self", params=_ALL)
        last = [] if answer.status != 200 else [x["id"] for x in answer.json["entry"]]
        return sorted(last) == sorted(ids)

    await eventually(listed, time_limit_s, why=lambda: f"listed: {len(last)} of {len(ids)}")


async def talks(
    api: ApiClient, count: int, parties: tuple[str, str] = ("3235550202", "3235550201")
) -> list[str]:
    """The ids of so many calls between these public numbers, all answered."""
    source, destination = parties
    places = (api.place([source], [destination], extension="210") for _ in range(count))
    ids = list(await asyncio.gather(*places))

    async def answered() -> bool:
        calls = await api.calls("@self", **_ALL)
        talking = [x for x in calls if {y["status"] for y in x["phoneCallView"]} == {5}]
        return len(talking) == count

    await eventually(answered, 40)
    return ids


async def finals(cluster: RunningCluster, ids: Sequence[str]) -> list[Any]:
    """The rows of the calls, once each has its end."""

    async def all_there() -> Sequence[Any] | None:
        rows = await cluster.rows("SELECT * FROM calls WHERE id = ANY($1)", list(ids))
        return rows if len(rows) == len(ids) and all(x["ended_ms"] for x in rows) else None

    return list(await eventually(all_there, 40))


def final_of(row: Any) -> Any:
    """The final record in the row of a call."""
    return json.loads(row["document"])["final"]


async def answered_on_disk(cluster: RunningCluster, call_id: str) -> bool:
    query = "SELECT id FROM calls WHERE id = $1 AND answered_ms IS NOT NULL"
    return bool(await cluster.rows(query, call_id))


def hang_ups(receiver: Receiver) -> Counter[str]:
    """The deliveries by the id of their call; another attempt of one is the same delivery."""
    first_attempts = {x.delivery_id: x for x in receiver.received}
    return Counter(x.parameters["CallAPIID"] for x in first_attempts.values())


def ends_logged(cluster: RunningCluster, ids: Sequence[str]) -> set[int]:
    """How often each of the calls was said to have ended, by all instances together."""
    said = Counter(
        x["call_id"]
        for process in cluster.instances.values()
        for x in process.log_lines()
        if x["event"] == "call_ended"
    )
    return {said[x] for x in ids}


def said(cluster: RunningCluster, name: str, event: str, since: int) -> bool:
    """Whether the log of the instance has it, after so many lines."""
    return any(x["event"] == event for x in cluster.instances[name].log_lines()[since:])


async def refuses(api: ApiClient) -> bool:
    answer = await api.create(["3235550202"], ["3235550201"], extension="210")
    if answer.status == 202:  # before it has noticed
        await api.hang_up("210", answer.json[0]["id"])
    return answer.status == 503
