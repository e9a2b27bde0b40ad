"""The Python client against the service in this process, for programs with and without a loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.client import uapi_client
from bridge.client.errors import ApiError, NotReached
from bridge.client.sync_client import SyncUapiClient
from bridge.client.uapi_client import UapiClient
from tests.unit.http.whole_service import WholeService, whole_service

pytestmark = pytest.mark.asyncio(loop_scope="module")

APP = "user-12"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeService]:
    async with whole_service(tmp_path_factory.mktemp("client")) as running:
        yield running


def secret_of(running: WholeService) -> str:
    return running.service.directory.directory.apps[APP].client_secret


async def test_a_call_is_placed_found_followed_and_hung_up(running: WholeService) -> None:
    async with UapiClient(running.base_url, APP, secret_of(running)) as api:
        made = await api.create_call(
            "210", ["211", "212"], extension="210", wait_for_pickup_s=20, recording=False
        )
        assert [x.id for x in await api.calls()] == [made.id]
        events = api.stream()
        async with asyncio.timeout(10):
            first = await anext(events)
        await events.aclose()
        assert first.kind == "state"
        with pytest.raises(ApiError) as refused:
            await api.act("OnHold", made.id)
        assert (refused.value.status, refused.value.code) == (409, "pc_action_failed")
        await api.hang_up(call_id=made.id)
        await running.refuse_last()
        found = await api.call(made.id)
        assert found is not None
        assert found.id == made.id
        assert await api.call("0" * 20) is None
        assert {x["extension"] for x in await api.presence()} >= {"0003*210"}


class WithEndedToken(UapiClient):
    """Its token has ended, until it is told to forget it."""

    has_ended = True

    async def token(self) -> str:
        return "ended" if self.has_ended else await super().token()

    def forget_token(self) -> None:
        self.has_ended = False
        super().forget_token()


async def test_given_a_token_that_has_ended_then_a_new_one_is_taken(running: WholeService) -> None:
    async with WithEndedToken(running.base_url, APP, secret_of(running)) as api:
        await api.calls()
        assert not api.has_ended
        api.has_ended = True
        events = api.stream()
        async with asyncio.timeout(10):
            assert (await anext(events)).kind == "state"
        await events.aclose()


async def test_given_a_wrong_secret_then_no_method_goes_on_for_ever(running: WholeService) -> None:
    async with UapiClient(running.base_url, APP, "no secret of this app") as api:
        for work in (api.calls(), anext(api.stream())):
            with pytest.raises(ApiError) as refused:
                await asyncio.wait_for(work, 5)
            assert refused.value.code == "invalid_client"


async def test_a_program_without_a_loop_does_the_same(running: WholeService) -> None:
    secret = secret_of(running)

    def program() -> str:
        with SyncUapiClient(running.base_url, APP, secret) as api:
            made = api.create_call("210", "211")
            assert made.id in [x.id for x in api.calls()]
            assert next(api.stream()).kind == "state"
            assert api.presence()
            api.hang_up(call_id=made.id)
            return made.id

    call_id = await asyncio.to_thread(program)
    await running.refuse_last()
    assert call_id


async def test_given_no_service_then_it_is_not_reached() -> None:
    async with UapiClient("http://127.0.0.1:1", APP, "x") as api:
        with pytest.raises(NotReached):
            await api.calls()


async def test_given_quiet_hours_then_each_ended_token_is_renewed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of two streams in a row nothing came before their tokens ended."""
    monkeypatch.setattr(uapi_client, "_RECONNECT_S", 0.01)
    answers = [401, 200, 401, 200, 401, 401]

    async def token(_: web.Request) -> web.Response:
        return web.json_response({"access_token": "x"})

    async def stream(_: web.Request) -> web.Response:
        status = answers.pop(0)
        error = {"error": {"code": "access_denied", "message": "x"}}
        return web.Response() if status == 200 else web.json_response(error, status=status)

    app = web.Application()
    app.router.add_post("/oauth/token.php", token)
    app.router.add_get("/uapi/phoneCalls/@me/@self/stream", stream)
    async with TestServer(app) as server, UapiClient(str(server.make_url("")), APP, "x") as api:
        with pytest.raises(ApiError) as refused:
            await asyncio.wait_for(anext(api.stream()), 5)
    assert (refused.value.status, answers) == (401, [])
