"""Phones that register at the edge, and the nodes behind it."""

from __future__ import annotations

import pytest

from .lab.cluster import Cluster

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_phone_at_the_edge_is_rung_by_every_node(cluster: Cluster) -> None:
    async with cluster.phone("0003*210") as phone:
        for node in cluster.nodes:
            async with cluster.ami(node) as ami:
                await ami.action(
                    "Originate",
                    Channel="PJSIP/0003*210",
                    Context="local",
                    Exten="0003*00",
                    Priority="1",
                    Async="true",
                )
                call = await phone.ringing()
                await call.accept()
                await call.hang_up()
