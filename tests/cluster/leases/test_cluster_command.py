"""`uapi-bridge cluster` shows who has what, and drains an instance without waiting without end."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from bridge.calls.store.call_store import CallStore
from bridge.clock import now_ms
from bridge.phone_call_events.shards import shard_of
from bridge.phone_call_events.store.delivery_store import write_delivery
from bridge.phone_call_events.store.subscription_store import EventSubscriptionStore
from bridge.storage.write_queue import WriteQueue
from tests.integration.storage.phone_calls import live_call
from tests.integration.storage.test_event_deliveries import a_subscription, an_event

from .lease_instance import lease_instances

PBX = "pbx:pbx1"


async def cluster_command(database: str, *words: str) -> tuple[int, str, str]:
    """Its exit code, and its output on stdout and stderr."""
    environment = {x: y for x, y in os.environ.items() if not x.startswith("BRIDGE_")}
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).parent / "uapi-bridge"), "cluster", *words),
        env=environment | {"BRIDGE_DATABASE_URL": database},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return await process.wait(), out.decode(), err.decode()


async def shown(database: str) -> tuple[int, dict[str, Any]]:
    code, out, err = await cluster_command(database, "--json")
    assert err == ""
    return code, json.loads(out)


async def test_given_two_instances_when_one_drains_and_returns_then_the_command_shows_it(
    database: str,
) -> None:
    resources = [PBX, *(f"hooks:{n}" for n in range(16))]
    async with lease_instances(resources, a=database, b=database) as (a, b):
        code, state = await shown(database)
        assert code == 0
        assert [x["state"] for x in state["instances"]] == ["lives", "lives"]
        assert state["pbxs"] == [
            {
                "name": "pbx1",
                "holder": "a",
                "epoch": 1,
                "lives": True,
                "organizations": 0,
                "state": "unknown",
                "stateSeconds": 0,
                "draining": False,
                "liveCalls": 0,
            }
        ]

        code, out, err = await cluster_command(database, "drain", "a")
        assert (code, out, err) == (0, "a acts for nothing any more\n", "")
        await b.hears("won", 2)
        assert a.story() == "won 1, hand_over 1, lost 1"

        code, out, err = await cluster_command(database, "drain", "b", "--within-s", "1")
        assert (code, out) == (1, "")
        assert "b still has pbx:pbx1, hooks:" in err
        assert "no other instance takes leases" in err
        assert "cluster return b" in err

        code, out, _ = await cluster_command(database, "return", "a")
        assert (code, out) == (0, "a takes leases again\n")
        await a.hears("won", 3)
        assert [x["state"] for x in (await shown(database))[1]["instances"]] == [
            "lives",
            "draining",
        ]
        code, _, err = await cluster_command(database, "drain", "nobody")
        assert (code, err) == (1, "no instance nobody lives\n")


async def test_given_live_calls_and_waiting_deliveries_when_shown_then_they_are_counted(
    database: str, engine: AsyncEngine
) -> None:
    queue = WriteQueue(engine)
    await queue.start()
    calls = CallStore(engine, queue)
    for number in range(3):
        await calls.accept(live_call(pbx="pbx1" if number else "pbx2"))
    one = a_subscription()
    await EventSubscriptionStore(engine, queue).insert(one, most=5)
    await queue.submit(*write_delivery(replace(an_event(one, "c"), occurred_ms=now_ms() - 60_000)))
    await queue.stop()
    _, state = await shown(database)
    assert {x["name"]: x["liveCalls"] for x in state["pbxs"]} == {"pbx1": 2}
    waiting = {x["name"]: x for x in state["shards"] if x["waiting"]}
    assert {x: y["waiting"] for x, y in waiting.items()} == {str(shard_of(one.id)): 1}
    assert waiting[str(shard_of(one.id))]["oldestMs"] >= 50_000
    _, text, _ = await cluster_command(database)
    assert "oldest" in text


async def test_given_no_instance_when_shown_then_the_exit_code_says_that_nobody_acts(
    database: str,
) -> None:
    code, state = await shown(database)
    assert code == 1
    assert state["pbxs"][0]["holder"] == ""
    code, _, err = await cluster_command("", "drain", "a")
    assert code == 2
    assert "names no PostgreSQL" in err
