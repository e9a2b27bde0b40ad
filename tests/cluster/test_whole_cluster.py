"""What `make serve-cluster` starts: any instance takes any request, for phones at the edge."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.softphones.ports import free_port
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .lab.whole_cluster import WholeCluster, open_whole_cluster

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


async def test_given_several_nodes_then_the_edge_has_each_organization_on_its_own(
    whole: WholeCluster,
) -> None:
    listed = await whole.edge.control("dispatcher.list")
    for node in whole.nodes:
        assert f"sip:{node.ports.bind_address}:{node.ports.sip}" in listed
