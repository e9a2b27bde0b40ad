"""What `make serve-cluster` starts: any instance takes any request, for phones at the edge."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.cluster.shared_directory import SharedDirectory
from bridge.config.secrets_file import ARI_SECRET
from bridge.directory.loader import EXAMPLE_FILE
from bridge.pbx.ari.client import AriClient
from bridge.pbx.pbx_settings import AriSettings
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.bridge_process import SERVICE
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.softphones.ports import free_port
from bridge.testing.webhook_receiver import Receiver
from tests.integration.storage.private_postgresql import PrivatePostgresql
from tests.pbx.phone_call_events.subscriber import DIAL_IN, DIAL_OUT, HANG_UP

from .lab.whole_cluster import WholeCluster, open_whole_cluster

ALICE, DESK, BOB, CAROL = "0003*210", "0003*211", "0003*212", "0004*210"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(
    postgresql: PrivatePostgresql, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[WholeCluster]:
    async with open_whole_cluster(
        tmp_path_factory.mktemp("short"),
        postgresql,
        nodes=2,
        instances=2,
        edge_port=free_port(),
        http_port=free_http_port(),
        public_network=False,
        homes={"0003": "node1", "0004": "node2"},
    ) as made:
        yield made


async def test_given_phones_at_the_edge_when_any_instance_is_asked_then_they_talk(
    whole: WholeCluster,
) -> None:
    async with (
        whole.softphone("0003*210"),
        whole.softphone("0003*211"),
        whole.softphone("0004*210"),
        whole.client() as api,
    ):
        token = await api.authenticate()
        for base_url in (whole.url, *(x.base_url for x in whole.instances)):
            api.base_url = base_url
            api.token = token
            await eventually(lambda: _are_there(api, "210", "211"))
            call_id = await api.place("210", "211")
            await api.wait_status(call_id, 5)
            await api.hang_up("210", call_id)
            await api.wait_ended(call_id)


async def _are_there(api: ApiClient, *extensions: str) -> bool:
    """The edge knows of a phone first, and the instance a moment later."""
    for extension in extensions:
        answer = await api.request("GET", f"/uapi/extensions/@me/{extension}/presence")
        if answer.json["entry"][0]["status"] != "1":
            return False
    return True


async def test_given_the_settings_of_an_instance_then_commands_ask_the_service_and_each_pbx(
    whole: WholeCluster,
) -> None:
    whole.instances[1].write_settings_file()
    environment = {x: y for x, y in os.environ.items() if not x.startswith(("BRIDGE_", "UAPI_"))}
    environment["BRIDGE_SETTINGS_FILE"] = str(whole.instances[1].settings_file)
    for command, said in (
        ("calls", "destination"),
        ("check --pbx", "PBX node2"),
        ("secret show app/user-12", whole.secrets.get_or_create("app/user-12")),
    ):
        process = await asyncio.create_subprocess_exec(
            *SERVICE,
            *command.split(),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        assert said in out.decode(), out.decode()


async def test_given_several_nodes_then_the_edge_has_each_organization_on_its_own(
    whole: WholeCluster,
) -> None:
    listed = await whole.edge.control("dispatcher.list")
    for node in whole.nodes:
        assert f"sip:{node.ports.bind_address}:{node.ports.sip}" in listed


async def test_given_phones_of_two_organizations_when_they_talk_then_it_is_one_call_told_once(
    whole: WholeCluster,
) -> None:
    async with (
        Receiver() as receiver,
        whole.client() as of_alice,
        whole.client("organization-0004") as of_carol,
        whole.phone(ALICE) as alice,
        whole.phone(CAROL) as carol,
    ):
        for api, user in ((of_alice, "@me"), (of_carol, "21")):
            for kind in (DIAL_IN, DIAL_OUT, HANG_UP):
                body = {"type": kind, "url": receiver.url(f"/{user}"), "method": 1}
                path = f"/uapi/extensions/{user}/210/phoneCallEvents"
                assert (await api.request("POST", path, body=body)).status == 200
        call = await alice.dial(CAROL)
        await (await carol.ringing()).accept()
        await call.answered.wait()
        [seen] = await eventually(lambda: of_alice.calls("210"))

        async def at_carol() -> list[str]:
            there = await of_carol.request("GET", "/uapi/phoneCalls/21/210")
            return [x["id"] for x in there.json["entry"]]

        assert await eventually(at_carol) == [seen["id"]]
        await call.hang_up()
        await of_alice.wait_ended(seen["id"])
        await eventually(lambda: len(receiver.received) >= 4)
        await asyncio.sleep(1)  # nothing may be told twice
        told = Counter((x.path, x.parameters["CallStatus"]) for x in receiver.received)
        assert told == Counter(
            (f"/{user}", status) for user in ("@me", "21") for status in ("CALLING", "ANSWER")
        )
        assert {x.parameters["CallAPIID"] for x in receiver.received} == {seen["id"]}
        rows = await whole.rows("SELECT pbx FROM calls WHERE id = $1", seen["id"])
        assert [x["pbx"] for x in rows] == ["node1"]
        for api, user in ((of_alice, "@me"), (of_carol, "21")):
            await api.request("DELETE", f"/uapi/extensions/{user}/210/phoneCallEvents")


async def test_given_calls_of_one_organization_when_joined_by_a_transfer_then_one_call_is_left(
    whole: WholeCluster,
) -> None:
    async with (
        whole.client() as api,
        whole.phone(ALICE) as alice,
        whole.phone(DESK) as desk,
        whole.phone(BOB) as bob,
    ):
        desk.answers_after_s = bob.answers_after_s = 0.0
        first, second = await alice.dial(DESK), await alice.dial(BOB)
        await asyncio.gather(first.answered.wait(), second.answered.wait())
        await eventually(lambda: _live(api, 2))
        assert await first.refer_to(second) == 202
        await asyncio.wait_for(first.transferred.wait(), 10)
        await eventually(lambda: _live(api, 1))
        await desk.calls[0].hang_up()
        await bob.free()
        await eventually(lambda: _live(api, 0))


async def test_given_calls_on_two_nodes_when_a_transfer_would_join_them_then_both_go_on(
    whole: WholeCluster,
) -> None:
    """The call of Alice is on her node, and the one with which Carol asks is on Carol's."""
    async with (
        whole.client() as api,
        whole.phone(ALICE) as alice,
        whole.phone(CAROL) as carol,
        whole.phone(DESK) as desk,
        whole.phone(BOB) as bob,
    ):
        carol.answers_after_s = desk.answers_after_s = bob.answers_after_s = 0.0
        first = await alice.dial(CAROL)
        await first.answered.wait()
        [of_carol] = carol.calls
        second = await carol.dial(DESK)
        await second.answered.wait()
        await eventually(lambda: _live(api, 2))
        assert await of_carol.refer_to(second) == 202
        await asyncio.wait_for(of_carol.transferred.wait(), 10)
        assert of_carol.transfer_status >= 400
        assert not any(x.over.is_set() for x in (first, of_carol, second, desk.calls[0]))
        await eventually(lambda: _live(api, 2))
        # A blind transfer needs no second call: the node of the first one carries it out.
        assert await of_carol.refer(BOB) == 202
        await eventually(lambda: bool(bob.calls) and bob.calls[0].answered.is_set())
        assert not first.over.is_set()
        await second.hang_up()
        await first.hang_up()
        await eventually(lambda: _live(api, 0))


async def test_given_a_pushed_directory_when_a_phone_has_another_caller_id_then_each_node_knows_it(
    whole: WholeCluster,
) -> None:
    """Last in this file: the directory stays so."""
    content = EXAMPLE_FILE.read_text().replace("Carol Clark <", "Carol Curie <")
    await asyncio.to_thread(SharedDirectory(whole.database_url).push, content)
    secret = whole.secrets.get_or_create(ARI_SECRET)
    for node in whole.nodes:
        url = f"http://{node.ports.management_address}:{node.ports.http}/ari"
        async with AriClient(AriSettings(url, "bridge", secret)) as ari:

            async def changed(ari: AriClient = ari) -> bool:
                endpoint = await ari.dynamic_object("endpoint", CAROL)
                assert endpoint is not None
                assert endpoint["acl"] == "uapi-edge", "others than the edge are let in"
                return endpoint["callerid"] == '"Carol Curie" <5550004210>'

            await eventually(changed, 30)
    async with whole.phone(CAROL) as carol, whole.phone(ALICE) as alice, whole.client() as api:
        alice.answers_after_s = 0.0
        call = await carol.dial(ALICE)
        await asyncio.wait_for(call.answered.wait(), 10)
        await call.hang_up()
        await eventually(lambda: _live(api, 0))


async def _live(api: ApiClient, count: int) -> bool:
    return len(await api.calls()) == count
