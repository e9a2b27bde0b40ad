"""Keys, networks, users and tokens."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bridge.directory.loader import EXAMPLE_FILE
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.toolchain import ensure_phone_tools
from bridge.testing.verba_client import VerbaAnswer, VerbaClient

from .conftest import QUICK

pytestmark = pytest.mark.asyncio(loop_scope="module")

_KEYS = """
verba_keys:
  - name: erasure
  - name: elsewhere
    networks: [10.0.0.0/8]
  - name: first organization
    organization: 0003
  - name: second organization
    organization: 0004
  - name: desk
    needs_login: yes
    networks: [127.0.0.0/8]
  - name: other desk
    needs_login: yes
verba_users:
  - name: supervisor
  - name: carol
    organization: 0004
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def own_lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    ensure_phone_tools()
    folder = tmp_path_factory.mktemp("access")
    before, _, after = EXAMPLE_FILE.read_text().partition("verba_keys:\n")
    rest = after[after.index("# The dialplan context") :]
    directory = folder / "directory.yaml"
    directory.write_text(before + _KEYS + rest)
    lab = await open_lab(folder / "lab", QUICK | {"directory_file": str(directory)})
    try:
        yield lab
    finally:
        await lab.close()


def client(lab: RunningLab, key: str) -> VerbaClient:
    return VerbaClient(lab.bridge.base_url, lab.bridge.secret(f"verba-key/{key}"))


async def token(lab: RunningLab, verba: VerbaClient, user: str) -> str:
    password = lab.bridge.secret(f"verba-user/{user}")
    answer = await verba.post("RequestToken", userName=user, password=password)
    assert answer.code == 0, answer.text
    return answer.response.attrib["token"]


async def basic(verba: VerbaClient, credentials: str) -> VerbaAnswer:
    encoded = base64.b64encode(credentials.encode()).decode()
    parameters = {"action": "RequestToken", "apiKey": verba.api_key}
    headers = {"Authorization": f"Basic {encoded}"}
    async with verba.http.get(verba.url, params=parameters, headers=headers) as response:
        return VerbaAnswer(response.status, response.headers, await response.read())


async def test_given_a_key_of_another_network_then_it_is_no_key(own_lab: RunningLab) -> None:
    async with client(own_lab, "elsewhere") as verba:
        assert (await verba.ask("SearchCalls", start="2000-01-01 00:00")).code == -41
        assert (await verba.ask("RequestToken")).code == -41


async def test_given_a_key_that_needs_login_then_each_code(own_lab: RunningLab) -> None:
    search = {"start": "2000-01-01 00:00"}
    async with client(own_lab, "desk") as verba, client(own_lab, "other desk") as other:
        assert (await verba.ask("SearchCalls", **search)).code == -42
        assert (await verba.ask("SearchCalls", token="nonsense", **search)).code == -43
        for wrong in ({}, {"userName": "supervisor"}, {"userName": "nobody", "password": "x"}):
            assert (await verba.ask("RequestToken", **wrong)).code == -40
        assert (await basic(verba, "supervisor:wrong")).code == -40
        good = await basic(verba, f"supervisor:{own_lab.bridge.secret('verba-user/supervisor')}")
        first = good.response.attrib["token"]
        second = await token(own_lab, verba, "supervisor")
        for one in (first, second):
            assert (await verba.ask("SearchCalls", token=one, **search)).code == 0
            assert (await verba.post("SearchCalls", token=one, **search)).code == 0
            assert (await other.ask("SearchCalls", token=one, **search)).code == -43


async def test_given_a_token_when_the_service_restarts_then_it_holds_and_is_nowhere_in_the_state(
    own_lab: RunningLab,
) -> None:
    async with client(own_lab, "desk") as verba:
        one = await token(own_lab, verba, "supervisor")
        await own_lab.bridge.kill()
        await own_lab.bridge.start()
        assert (await verba.ask("SearchCalls", token=one, start="2000-01-01 00:00")).code == 0
    for path in own_lab.bridge.state_dir.iterdir():
        if path.is_file():
            content = path.read_bytes()
            assert one.encode() not in content, path
            if path.name != "secrets.json":
                assert verba.api_key.encode() not in content, path


async def test_given_a_key_of_another_organization_then_the_call_does_not_exist_for_it(
    own_lab: RunningLab, tmp_path: Path
) -> None:
    async with (
        own_lab.client() as api,
        client(own_lab, "erasure") as verba,
        client(own_lab, "second organization") as stranger,
        client(own_lab, "desk") as desk,
        own_lab.scripted("0003*212"),
    ):
        conversation_id = await _recorded(api, verba)
        carol = await token(own_lab, desk, "carol")
        search = {"start": "2000-01-01 00:00", "f_ccdr_id": conversation_id}
        for asker, more in ((stranger, {}), (desk, {"token": carol})):
            assert (await asker.ask("SearchCalls", **search, **more)).calls == []
            for action in ("GetCallInformation", "GetMedia", "KeepCall", "DeleteCall"):
                assert (await asker.ask(action, callID=conversation_id, **more)).code == -50
            last = {"extension": "0003*212", "status": "last"}
            assert (await asker.ask("DeleteCall", **last, **more)).code == -50
        supervisor = await token(own_lab, desk, "supervisor")
        answer = await desk.ask("DeleteCall", callID=conversation_id, token=supervisor)
        assert answer.code == 0


async def test_given_a_call_between_organizations_then_each_has_it_by_its_own_extension(
    own_lab: RunningLab,
) -> None:
    """214 is always recorded, and 210 is another phone in each organization."""
    async with (
        client(own_lab, "erasure") as verba,
        client(own_lab, "first organization") as first,
        client(own_lab, "second organization") as second,
        own_lab.phone("0003*214") as lobby,
        own_lab.scripted("0004*210"),
    ):
        await lobby.dial("0004*210")
        by_source = {"value": "0003*214", "field": "source_caller_id"}
        await verba.conversation(**by_source, ongoing=True)
        await lobby.hangup()
        conversation = await verba.conversation(**by_source, ongoing=False)
        last = {"extension": "210", "status": "last"}
        assert (await first.ask("DeleteCall", **last)).code == -50
        assert (await first.ask("GetCallInformation", extension="214", status="last")).code == 0
        assert (await second.ask("GetCallID", **last)).code == 0
        assert (await second.ask("DeleteCall", **last)).code == 0
        conversation_id = conversation.findtext("ccdr_id", "")
        assert (await verba.ask("GetCallInformation", callID=conversation_id)).code == -50


async def _recorded(api: ApiClient, verba: VerbaClient) -> str:
    query = {"extension": "212", "recording": "true", "callDuration": "1"}
    call_id = await api.place(["212"], ["3235550201"], **query)
    return (await verba.conversation(call_id, ongoing=False)).findtext("ccdr_id", "")
