"""A cluster of which a PBX dies, freezes or drains: how tests ask for it."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass

from bridge.cluster.placement_choice import SETTLED_S
from bridge.local_asterisk.local_asterisk import LocalAsterisk
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient

from .lab.whole_cluster import WholeCluster
from .leases.test_cluster_command import cluster_command

ORGANIZATION = "0003"
PUBLIC = ["3235550202"], ["3235550201"]
QUICK = {"ping_interval_s": "1", "ping_timeout_s": "2"}
"""A frozen PBX is noticed after 3 s at the latest."""


@dataclass
class PbxFaults:
    """`whole` has two nodes. The organization of its app is on one of them."""

    whole: WholeCluster

    def node(self, name: str) -> LocalAsterisk:
        [found] = [x for x in self.whole.nodes if x.pbx.folder.parent.name == name]
        return found

    def hit(self, name: str, number: signal.Signals) -> float:
        """Send the signal to that Asterisk; the moment, by the monotonic clock."""
        pid = self.node(name).pbx.pid
        assert pid is not None
        at_s = time.monotonic()
        os.kill(pid, number)
        return at_s

    async def home(self) -> str:
        """The PBX of the organization, as its row says."""
        query = "SELECT pbx FROM placements WHERE organization = $1"
        return str((await self.whole.rows(query, ORGANIZATION))[0]["pbx"])

    async def moved_from(self, name: str) -> None:
        """Until the organization is on another PBX."""

        async def elsewhere() -> bool:
            return await self.home() != name

        await eventually(elsewhere, 30)

    async def settled(self) -> None:
        """Until each PBX may get organizations, and no instance hands one over any more.

        A new holder counts the time anew in which its PBX is ready, so the word of the one before
        does not count.
        """

        async def all_are() -> bool:
            # One query: between two of them a PBX may be handed over.
            query = (
                "SELECT count(*) AS n, count(DISTINCT l.holder) AS holders FROM pbx_states s"
                " JOIN leases l ON l.resource = 'pbx:' || s.pbx AND l.epoch = s.epoch"
                " WHERE state = 'ready' AND since_ms < $1 +"
                " (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
            )
            [found] = await self.whole.rows(query, -int(SETTLED_S * 1000))
            nodes, instances = len(self.whole.nodes), len(self.whole.instances)
            return (found["n"], found["holders"]) == (nodes, min(nodes, instances))

        await eventually(all_are, 60)

    async def placed_at(self, api: ApiClient, base_url: str, *, time_limit_s: float = 30) -> str:
        """The id of a call, once that instance takes one."""
        api.base_url = base_url

        async def taken() -> str:
            answer = await api.create(*PUBLIC, extension="210")
            return str(answer.json[0]["id"]) if answer.status == 202 else ""

        return str(await eventually(taken, time_limit_s))

    async def pbx_of(self, call_id: str) -> str:
        query = "SELECT pbx FROM calls WHERE id = $1"
        return str((await self.whole.rows(query, call_id))[0]["pbx"])

    async def command(self, *words: str) -> tuple[int, str, str]:
        return await cluster_command(self.whole.database_url, "node", *words)

    def ends_logged(self, call_id: str) -> int:
        """How often the call was said to have ended, by all instances together."""
        lines = (y for x in self.whole.instances for y in x.log_lines())
        return sum(x["event"] == "call_ended" and x["call_id"] == call_id for x in lines)
