"""bridge.client against the running service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.client import ApiError, NotReached, Status, SyncUapiClient, UapiClient
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.lab.running_lab import RunningLab

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANSWERS, TALKS = "3235550201", "3235550202"


@pytest_asyncio.fixture(loop_scope="session")
async def client(lab: RunningLab) -> AsyncIterator[UapiClient]:
    secret = lab.bridge.secret("app/user-12")
    async with UapiClient(lab.bridge.base_url, "user-12", secret) as client:
        yield client
        await client.hang_up()


async def test_a_call_from_its_create_to_its_record(client: UapiClient) -> None:
    kinds: list[str] = []
    ended = None
    hung_up: list[str] = []
    async with asyncio.timeout(20):
        async for event in client.stream():
            kinds.append(event.kind)
            if event.kind == "state":
                assert event.calls == ()
                made = await client.create_call(
                    ANSWERS, [TALKS], extension="210", call_duration_s=60, recording=False
                )
                continue
            [call] = event.calls
            assert call.id == made.id
            talks = call.ended is None and call.status is Status.ON_CALL and call.answered
            if talks and not hung_up:
                assert [x.id for x in await client.calls("210")] == [made.id]
                live = await client.call(made.id)
                assert live is not None
                assert live.views[0].source == (ANSWERS,)
                hung_up = await client.hang_up("210", made.id)
            if call.ended is not None:
                ended = call
                break
    assert kinds[0] == "state"
    assert hung_up == [made.id]
    assert ended is not None
    assert (ended.disposition, ended.ended_by) == (0, "api")
    record = await client.call(made.id)
    assert record is not None
    assert record.ended is not None
    assert (await client.calls("210", ended=True))[0].id == made.id
    assert await client.call("0" * 20) is None


async def test_a_refusal_says_code_message_and_request_id(client: UapiClient) -> None:
    with pytest.raises(ApiError) as refused:
        await client.create_call("5", ANSWERS, extension="999")
    assert refused.value.status == 400
    assert refused.value.code == "extension_invalid"
    assert refused.value.message
    assert refused.value.request_id


async def test_a_wrong_secret_is_a_refusal(lab: RunningLab) -> None:
    async with UapiClient(lab.bridge.base_url, "user-12", "wrong") as client:
        with pytest.raises(ApiError) as refused:
            await client.calls()
    assert refused.value.code == "invalid_client"


async def test_a_token_that_has_ended_is_renewed(lab: RunningLab) -> None:
    secret = lab.bridge.secret("app/user-12")

    class WithOldToken(UapiClient):
        given = 0

        async def token(self) -> str:
            self.given += 1
            return "of-yesterday-0123456789" if self.given == 1 else await super().token()

    async with WithOldToken(lab.bridge.base_url, "user-12", secret) as client:
        assert await client.calls() == []
        assert client.given == 2


async def test_no_service_is_not_reached() -> None:
    async with UapiClient(f"http://127.0.0.1:{free_http_port()}", "a", "b") as client:
        with pytest.raises(NotReached):
            await client.calls()


async def test_presence_and_actions_have_their_methods(client: UapiClient) -> None:
    assert {x["extension"] for x in await client.presence("210")}
    with pytest.raises(ApiError) as refused:
        await client.act("Dance", "0" * 20, "210")
    assert refused.value.status == 400


async def test_a_program_without_an_event_loop(lab: RunningLab) -> None:
    secret = lab.bridge.secret("app/user-12")

    def program() -> None:
        with SyncUapiClient(lab.bridge.base_url, "user-12", secret) as api:
            made = api.create_call(ANSWERS, TALKS, extension="210")
            for event in api.stream():
                if any(x.id == made.id for x in event.calls):
                    break
            api.hang_up("210", made.id)
            assert api.call(made.id) is not None
            timeline = api.timeline(made.id)
            assert (timeline.entries[0].type, timeline.truncated) == ("accepted", False)
            assert isinstance(api.calls(), list)
            assert api.presence("210")
            assert api.request("GET", "/health/live")["status"] == "alive"

    await asyncio.wait_for(asyncio.to_thread(program), 20)
