"""Phones that exist at a PBX follow when an edge is set up before it, and when it goes again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bridge.testing.softphones.plain_phone import PlainPhone
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .lab.cluster import Cluster, open_cluster, ring

ALICE = "0003*210"


@asynccontextmanager
async def at_pbx(cluster: Cluster) -> AsyncIterator[PlainPhone]:
    """A phone that has registered at the PBX itself, for an hour."""
    phone = PlainPhone(ALICE, cluster.secret(ALICE), cluster.nodes[0].sip, "udp")
    await phone.start()
    try:
        yield phone
    finally:
        await phone.stop()


async def rings(cluster: Cluster, phone: PlainPhone) -> None:
    """A call to its number by the PBX comes to this phone."""
    async with cluster.ami(cluster.nodes[0]) as ami:
        await ring(ami, ALICE)
        call = await phone.ringing()
        await call.accept()
        await call.acknowledged.wait()
        [channel] = await ami.channels()
        await ami.action("Hangup", Channel=channel["Channel"])


async def test_given_phones_at_a_pbx_when_an_edge_comes_and_goes_then_they_follow(
    tmp_path_factory: pytest.TempPathFactory, postgresql: PrivatePostgresql
) -> None:
    async with open_cluster(tmp_path_factory.mktemp("short"), postgresql, 1) as cluster:
        await cluster.set_edges([])
        async with at_pbx(cluster) as before:
            await rings(cluster, before)
            await cluster.set_edges([cluster.edge])
            async with cluster.phone(ALICE) as phone:
                await rings(cluster, phone)
                assert len(before.calls) == 1, "its registration at the PBX is gone"
                assert (await before.register()).status != 200
        await cluster.set_edges([])
        async with at_pbx(cluster) as again:
            await rings(cluster, again)
