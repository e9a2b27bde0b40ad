"""Headers that no instance has made, and holders that answer wrongly, or not at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import aiohttp
from aiohttp import web

from bridge.cluster.forward_header import HEADER, Forward, ForwardSigner, RequestShape
from bridge.cluster.lease import Lease, pbx_resource
from tests.cluster.several_instances import CLUSTER_SECRET, Several, several_instances
from tests.cluster.strange_holder import Says, strange_holder
from tests.unit.calls.fakes import accepted

PHONE, PUBLIC = "210", "3235742879"
LIST = f"/uapi/phoneCalls/@me/{PHONE}"
CREATE = {
    "extension": PHONE,
    "phoneCallView": [{"source": ["5354353"], "destination": [PUBLIC]}],
}
FORWARD = Forward(
    sender="b", receiver="a", pbx="one", deadline_ms=0, principal="user-12", remote="192.0.2.9"
)


async def genuine(several: Several, target: str = LIST, secret: str = CLUSTER_SECRET) -> str:
    """A header as another instance would send it to `a` now."""
    clock = await several.clock("a")
    forward = replace(FORWARD, deadline_ms=clock.now_ms() + 2_000)
    host = several.base_url("a").removeprefix("http://")
    shape = RequestShape("GET", target, {"host": host})
    return ForwardSigner(secret, "b").sign(forward, shape, b"")[0]


async def get(
    several: Several, headers: Mapping[str, str] | list[tuple[str, str]], target: str = LIST
) -> tuple[int, str, Mapping[str, str]]:
    async with (
        aiohttp.ClientSession() as http,
        http.get(several.base_url("a") + target, headers=headers) as answer,
    ):
        return answer.status, await answer.text(), answer.headers


async def test_only_an_instance_can_send_the_header(tmp_path: Path, postgresql_url: str) -> None:
    async with several_instances(tmp_path, postgresql_url) as several:
        await several.hold("one", "a")
        client = await several.client("a")
        token = {"Authorization": f"Bearer {await client.authenticate()}"}
        header = await genuine(several)
        status, text, headers = await get(several, {HEADER: header})
        assert status == 200, text
        assert json.loads(text)["entry"] == []
        proof = headers[HEADER]
        # A copy of it is not carried out, and told so to the sender alone.
        status, text, headers = await get(several, {HEADER: header})
        assert (status, headers[HEADER]) == (401, proof)
        whole = await genuine(several)
        wrong = [
            "",
            "1",
            whole[:-1],
            whole[: len(whole) // 2],
            whole.replace("1.", "2.", 1),
            await genuine(several, LIST + "?count=1"),
            await genuine(several, secret="the secret of somebody else, which is long as well"),
            "x" * 4_000,
        ]
        bodies = set()
        for forged in wrong:
            # With a good token, too: what is wrong with the header counts.
            for more in ({}, token):
                status, text, headers = await get(several, {HEADER: forged, **more})
                assert status == 401, forged
                assert HEADER not in headers
                bodies.add(text)
        assert len(bodies) == 1  # nothing tells them apart
        status, _, _ = await get(several, [(HEADER, whole), (HEADER, whole)])
        assert status == 401
        # Somebody on the way adds what a handler would read, and what was signed.
        twice = [(HEADER, whole), ("Prefer", "return=minimal"), ("Prefer", "")]
        assert (await get(several, twice))[0] == 401
        assert (await client.request("GET", LIST)).status == 200


async def test_a_create_whose_body_comes_too_late_places_no_call(
    tmp_path: Path, postgresql_url: str
) -> None:
    """Its sender may have told the client already that no call was placed."""
    target, body = "/uapi/phoneCalls/@me/simple", json.dumps(CREATE).encode()
    async with several_instances(tmp_path, postgresql_url) as several:
        await several.hold("one", "a")
        clock, host = await several.clock("a"), several.base_url("a").removeprefix("http://")
        kind = "application/json"
        for digit, late_s, status in (("1", 0.0, b"202"), ("2", 0.6, b"401")):
            forward = replace(FORWARD, deadline_ms=clock.now_ms() + 300, call_id=digit * 20)
            shape = RequestShape("POST", target, {"host": host, "content-type": kind})
            header, _ = ForwardSigner(CLUSTER_SECRET, "b").sign(forward, shape, body)
            head = f"POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\n"
            head += f"Content-Length: {len(body)}\r\n{HEADER}: {header}\r\n\r\n"
            reader, writer = await asyncio.open_connection(*host.split(":"))
            writer.write(head.encode())
            await asyncio.sleep(late_s)  # the body is late by this time
            writer.write(body)
            assert (await reader.readline()).split()[1] == status
            writer.close()
            assert several.originates("one") == 1


async def test_instances_with_different_secrets_refuse_each_other(
    tmp_path: Path, postgresql_url: str
) -> None:
    other = {"b": "the secret of an instance that was forgotten"}
    async with several_instances(tmp_path, postgresql_url, secrets=other) as several:
        await several.hold("one", "a")
        at_b = await several.client("b")
        began_s = asyncio.get_running_loop().time()
        created, listed = await asyncio.gather(
            at_b.create(["5354353"], [PUBLIC], extension=PHONE), at_b.request("GET", LIST)
        )
        took_s = asyncio.get_running_loop().time() - began_s
        assert (created.status, created.code) == (503, "pbx_unavailable")
        assert created.headers["Retry-After"] == "2"
        assert took_s < 9
        assert several.originates("one") == 0
        assert listed.status == 200
        assert listed.headers["X-Stale-Nodes"] == "one"


async def _nothing(_: web.Request, __: str) -> web.StreamResponse:
    await asyncio.sleep(60)  # longer than anybody waits
    return web.Response()


async def _no_proof(_: web.Request, __: str) -> web.StreamResponse:
    return web.json_response({"entry": [{"id": "of a stranger"}]})


async def _endless(request: web.Request, proof: str) -> web.StreamResponse:
    """JSON whose length is not told, and that is no answer of ours."""
    response = web.StreamResponse(headers={HEADER: proof})
    response.content_type = "application/json"
    await response.prepare(request)
    while True:
        await response.write(b"[" * 65_536)


async def _not_ours(_: web.Request, proof: str) -> web.StreamResponse:
    return web.json_response({"calls": ["no document"], "positions": 7}, headers={HEADER: proof})


async def _error(_: web.Request, proof: str) -> web.StreamResponse:
    return web.Response(status=500, headers={HEADER: proof})


FAILING: tuple[Says, ...] = (_nothing, _no_proof, _endless, _not_ours, _error)


async def test_a_list_over_a_holder_that_fails_is_that_of_the_database(
    tmp_path: Path, postgresql_url: str
) -> None:
    """It is there within a second, and has the calls of the other PBX as they are."""
    async with several_instances(tmp_path, postgresql_url, pbx_names=("one", "two")) as several:
        await several.hold("one", "b")
        at_b = await several.client("b")
        call_id = (await at_b.create(["5354353"], [PUBLIC], extension=PHONE)).json[0]["id"]
        other = replace(
            accepted(), id="0" * 20, pbx="two", extension="0003*210", organization="0003"
        )
        await several.store("b", other)
        for says in FAILING:
            async with strange_holder("a", CLUSTER_SECRET, says) as url:
                several.leases.put(Lease(pbx_resource("two"), "a", 9, url))
                began_s = asyncio.get_running_loop().time()
                listed = await at_b.request("GET", LIST)
                took_s = asyncio.get_running_loop().time() - began_s
            assert listed.status == 200
            assert took_s < 4, says  # 0.7 s, and whatever other work the machine has
            assert {x["id"] for x in listed.json["entry"]} == {call_id, other.id}, says
            assert listed.headers["X-Stale-Nodes"] == "two"
            assert "X-Stale-Since" in listed.headers
