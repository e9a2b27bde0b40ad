"""One request to several holders: the first success is the answer, the others are broken off."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import web

from bridge.cluster.forward_header import HEADER
from bridge.cluster.lease import Lease, pbx_resource
from bridge.http.forwarded import REFUSED_HEADER
from bridge.testing.eventually import eventually
from bridge.testing.verba_client import VerbaClient
from tests.cluster.several_instances import CLUSTER_SECRET, several_instances
from tests.cluster.strange_holder import strange_holder

_FOUND = '<?xml version="1.0"?><VerbaApi><Response code="0" type="GetCallInformation"/></VerbaApi>'


async def test_the_first_success_wins_and_the_others_are_given_up(
    tmp_path: Path, postgresql_url: str
) -> None:
    given_up = asyncio.Event()

    async def refuses(_: web.Request, proof: str) -> web.StreamResponse:
        headers = {HEADER: proof, REFUSED_HEADER: "1"}
        return web.Response(text=_FOUND.replace("0", "-50"), headers=headers)

    async def finds(_: web.Request, proof: str) -> web.StreamResponse:
        await asyncio.sleep(0.3)  # the refusal is there before
        return web.Response(text=_FOUND, content_type="text/xml", headers={HEADER: proof})

    async def waits(request: web.Request, _: str) -> web.StreamResponse:
        # As the wait for the next call looks whether its client has left.
        await eventually(lambda: request.transport is None or request.transport.is_closing())
        given_up.set()
        return web.Response()

    names = ("one", "two", "three")
    async with (
        several_instances(tmp_path, postgresql_url, names=("c",), pbx_names=names) as several,
        strange_holder("x", CLUSTER_SECRET, refuses) as refusing,
        strange_holder("x", CLUSTER_SECRET, finds) as finding,
        strange_holder("x", CLUSTER_SECRET, waits) as waiting,
    ):
        for pbx, url in zip(names, (refusing, finding, waiting), strict=True):
            several.leases.put(Lease(pbx_resource(pbx), "x", 1, url))
        key = several.instances["c"].directory.directory.verba_keys[0].key
        async with VerbaClient(several.base_url("c"), key) as client:
            told = await client.ask("GetCallInformation", extension="0003*210", status="next")
        assert told.code == 0, told.text
        assert REFUSED_HEADER not in told.headers
        await eventually(given_up.is_set)
