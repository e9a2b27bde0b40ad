"""compose.cluster.yml: phones at the edge, requests at HAProxy, and an instance that is killed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.server_sent_events import read_events
from bridge.testing.softphones.softphone import Softphone
from bridge.testing.softphones.toolchain import ensure_phone_tools
from tests.pbx.calls.live_calls import wait_statuses

from .cluster_system import INSTANCES, NODES, SERVICES, ClusterSystem
from .compose_system import ComposeSystem, json_lines
from .test_walls import CONNECT

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Promised are 8 s. On a busy machine a lease may be lost at any time.
_HELD_AGAIN_S = 60.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(compose_system: ComposeSystem) -> AsyncIterator[ClusterSystem]:
    ensure_phone_tools()
    system = ClusterSystem.beside(compose_system)
    try:
        await asyncio.to_thread(system.up)
        yield system
    finally:
        await asyncio.to_thread(system.remove)


@asynccontextmanager
async def talk(cluster: ClusterSystem, api: ApiClient) -> AsyncIterator[tuple[str, Any]]:
    """210 and 211 talk, and hear each other: the id of their call, and a way to ask that again."""
    async with (
        await asyncio.to_thread(cluster.softphone, "0003*210", 440) as alice,
        await asyncio.to_thread(cluster.softphone, "0003*211", 1000) as bob,
    ):
        call_id = await placed(api, ["210"], ["211"])
        await wait_statuses(api, call_id, 5, 5)

        async def hear() -> None:
            await alice.wait_tone(1000)
            await bob.wait_tone(440)

        await hear()
        yield call_id, hear
        await api.hang_up("210", call_id)
        await closed(alice, bob)
        assert (await api.wait_ended(call_id))["disposition"] == 0


async def placed(api: ApiClient, source: object, destination: object, **more: Any) -> str:
    """The id of a call, once its PBX is held: until then the app is told to ask again."""
    last = ""

    async def created() -> str:
        nonlocal last
        answer = await api.create(source, destination, **more)
        last = answer.text
        if answer.status == 202:
            return str(answer.json[0]["id"])
        assert (answer.status, "Retry-After" in answer.headers) == (503, True), last
        return ""

    return await eventually(created, _HELD_AGAIN_S, why=lambda: last)


async def closed(*phones: Softphone) -> None:
    for phone in phones:
        await phone.wait_closed()


async def test_given_one_command_when_up_then_all_is_healthy_and_little_is_published(
    cluster: ClusterSystem,
) -> None:
    at = "127.0.0.1"
    sip = {f"{at}:{cluster.ports.sip}->{cluster.ports.sip}/{x}" for x in ("udp", "tcp")}
    published = {
        "edge": sip,
        "haproxy": {f"{at}:{cluster.http_port}->8080/tcp"},
        **{
            name: {f"{at}:{port}->{port}/udp" for port in range(first, last + 1)}
            for name, (first, last) in zip(NODES, map(cluster.rtp_ports, range(3)), strict=True)
        },
    }
    for service in SERVICES:
        found = cluster.inspect(service)
        assert found["State"]["Health"]["Status"] == "healthy"
        assert found["HostConfig"]["ReadonlyRootfs"] is True
        assert found["HostConfig"]["Memory"] > 0
        assert cluster.published(service) == published.get(service, set()), service
    for service in ("edge", "haproxy", "database"):
        assert cluster.exec(service, "id", "-u").strip() != "0"


async def test_given_who_takes_what_comes_from_outside_then_it_reaches_no_ami_and_no_database(
    cluster: ClusterSystem,
) -> None:
    database = cluster.inspect("database")["NetworkSettings"]["Networks"]
    database_address = database[f"{cluster.project}_data"]["IPAddress"]

    def seen(service: str, address: str, port: int) -> str:
        return cluster.exec(service, "bash", "-c", CONNECT % (address, port)).strip()

    inside = [(cluster.address(75), 5038), (cluster.address(75), 8088), (database_address, 5432)]
    for address, port in inside:
        assert seen("haproxy", address, port) == "closed"
        assert seen("public-network", address, port) == "closed"
        assert seen("bridge-1", address, port) == "open"
    assert [seen("edge", *x) for x in inside] == ["closed", "closed", "open"]
    assert seen("edge", cluster.address(11), 5060) == "open"
    assert seen("bridge-1", cluster.address(75), 5060) == "closed"


async def test_given_a_first_start_then_all_nodes_have_the_same_secrets_and_none_is_shown(
    cluster: ClusterSystem,
) -> None:
    folders = ("/run/pbx-secrets", "/run/database-secrets")
    read = f"cat {' '.join(f'{x}/*' for x in folders)}"
    secrets = cluster.exec("bridge-1", "sh", "-c", read.replace("*", "bridge_*")).split()
    edge = cluster.exec("edge", "cat", "/run/edge-secrets/database_password").strip()
    shown = "".join(str(cluster.inspect(x)) + cluster.logs(x) for x in SERVICES)
    assert len({*secrets, edge}) >= 4
    assert not [x for x in (*secrets, edge) if x in shown]
    confs = {cluster.exec(x, "cat", "/etc/asterisk/manager.conf") for x in NODES}
    ami = {next(y for y in x.splitlines() if y.startswith("secret = ")) for x in confs}
    assert len(ami) == 1


async def test_given_phones_at_the_edge_when_haproxy_is_asked_then_they_talk_and_streams_pass(
    cluster: ClusterSystem,
) -> None:
    async with (
        await asyncio.to_thread(cluster.client) as api,
        read_events(api, "/uapi/phoneCalls/@me/210/stream") as reader,
    ):
        assert (await reader.next()).kind == "state"
        async with talk(cluster, api) as (call_id, _):
            assert (await reader.next()).data["id"] == call_id
        async with api.http.get(f"{cluster.url}/docs") as page:
            assert (page.status, page.content_type) == (200, "text/html")


async def test_given_calls_of_two_organizations_then_each_instance_answers_for_both(
    cluster: ClusterSystem,
) -> None:
    """Their PBXs are not the same, and no instance holds both."""
    async with (
        await asyncio.to_thread(cluster.client) as api,
        await asyncio.to_thread(cluster.client, "organization-0004") as other,
        await asyncio.to_thread(cluster.softphone, "0004*210") as carol,
        talk(cluster, api) as (call_id, _),
    ):
        # To the public network, over the trunk of the other PBX.
        theirs = await placed(other, ["210"], ["3235550202"], user="21", extension="210")
        await carol.wait_tone(1000)
        for number in range(1, 4):
            api.base_url = other.base_url = cluster.instance_url(number)
            assert [x["id"] for x in await api.calls("210")] == [call_id]
            listed = await other.request("GET", "/uapi/phoneCalls/21/210")
            assert [x["id"] for x in listed.json["entry"]] == [theirs]
        api.base_url = other.base_url = cluster.url
        await other.request("DELETE", f"/uapi/phoneCalls/21/210/{theirs}")
        await closed(carol)


async def test_given_a_client_that_names_another_address_then_the_one_that_haproxy_saw_counts(
    cluster: ClusterSystem,
) -> None:
    forged = {"X-Forwarded-For": "192.0.2.7", "Authorization": "Bearer of-nobody"}
    async with aiohttp.ClientSession() as http:
        path = f"{cluster.url}/uapi/phoneCalls/@me/who-asks"
        async with http.get(path, headers=forged) as answer:
            assert answer.status == 401
    lines = [y for x in INSTANCES for y in json_lines(cluster.logs(x))]
    remotes = {x["remote"] for x in lines if str(x.get("path", "")).endswith("/who-asks")}
    gateway = cluster.address(193)  # of the network, which is this machine
    assert remotes == {gateway}


async def test_given_a_call_when_the_instance_of_its_pbx_is_killed_then_all_goes_on(
    cluster: ClusterSystem,
) -> None:
    async with (
        await asyncio.to_thread(cluster.client) as api,
        talk(cluster, api) as (call_id, hear),
    ):
        killed, pbx = await holder_of(cluster, "0003")
        await asyncio.to_thread(cluster.docker, "kill", cluster.container(killed))

        listed = await api.request("GET", "/uapi/phoneCalls/@me/210")
        second = await placed(api, ["3235550202"], ["3235550201"], extension="210")

        # The list never stops; it comes from the database until another instance has the PBX.
        assert (listed.status, [x["id"] for x in listed.json["entry"]]) == (200, [call_id])
        assert (await holder_of(cluster, "0003"))[1] == pbx  # the same PBX, of another instance
        assert (await holder_of(cluster, "0003"))[0] != killed
        await hear()
        await api.hang_up("210", second)
        await wait_statuses(api, call_id, 5, 5)


async def holder_of(cluster: ClusterSystem, organization: str) -> tuple[str, str]:
    """The instance and the PBX of an organization."""
    found = await asyncio.to_thread(
        cluster.exec,
        *("database", "psql", "--host=/tmp", "--dbname=bridge", "--tuples-only", "--no-align"),
        "--command=SELECT organization, pbx FROM placements",
    )
    pbx = dict(x.split("|") for x in found.split())[organization]

    async def holder() -> str:
        async with aiohttp.ClientSession() as http, http.get(f"{cluster.url}/health/ready") as got:
            pbxs = json.loads(await got.text())["pbxs"]
        return next((x["holder"] for x in pbxs if x["name"] == pbx), "")

    return await eventually(holder), pbx
