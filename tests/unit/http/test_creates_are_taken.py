"""A create is answered once its call is on disk and its Originate is written.

What the PBX says to it afterwards shows in the call. `BRIDGE_CREATE_WAITS_FOR_PBX` waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bridge.calls.store.call_store import CallStore
from bridge.http.node_services import HeldNodes
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.webhook_receiver import Receiver
from tests.integration.storage.test_database_down import locked
from tests.scripted_ami.server import (
    ScriptedAmi,
    after,
    drop_connection,
    originate_queued,
    refuse,
    silence,
)

from .whole_service import WholeService, whole_service

pytestmark = pytest.mark.asyncio(loop_scope="module")

REASON = "Extension does not exist."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeService]:
    folder = tmp_path_factory.mktemp("taken")
    async with whole_service(folder, events_private_targets=True) as running:
        yield running


@pytest.fixture
def ami(running: WholeService) -> Iterator[ScriptedAmi]:
    before = dict(running.ami.on)
    running.ami.received.clear()
    yield running.ami
    running.ami.on = before


async def create(api: ApiClient, key: str = "", **body: Any) -> Answer:
    headers = {"Idempotency-Key": key} if key else {}
    return await api.create(["210"], ["211"], extension="210", headers=headers, body=body)


def id_of(answer: Answer) -> str:
    assert answer.status == 202, answer.text
    return str(answer.json[0]["id"])


async def test_given_a_refusal_by_the_pbx_then_202_and_the_record_and_the_event_tell_it(
    api: ApiClient, ami: ScriptedAmi
) -> None:
    ami.on["Originate"] = refuse(REASON)
    async with Receiver() as receiver:
        call_id = id_of(await create(api, statusUrl=receiver.url("/state")))
        record = await api.wait_ended(call_id)
        assert (record["reason"], record["endedBy"]) == (REASON, "pbx")
        assert record["disposition"] == 2
        await eventually(lambda: bool(receiver.received))
        assert [x.json["state"] for x in receiver.received] == ["ended"]
    assert len(ami.actions("Originate")) == 1


async def test_given_a_service_that_stops_when_a_create_is_slow_then_its_key_is_kept(
    running: WholeService, api: ApiClient, ami: ScriptedAmi, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept = CallStore.accept
    with monkeypatch.context() as patch:

        async def accept_at_the_end(*args: Any, **more: Any) -> None:
            await accept(*args, **more)
            # After the time limit of requests the stop goes on without this one.
            patch.setattr(HeldNodes, "only", None)

        patch.setattr(CallStore, "accept", accept_at_the_end)
        call_id = id_of(await create(api, "at the end"))
    assert id_of(await create(api, "at the end")) == call_id
    assert len(ami.actions("Originate")) == 1
    await running.refuse_last()
    await api.wait_ended(call_id)


async def test_given_a_refused_call_when_its_key_comes_again_then_the_same_answer_and_no_call(
    api: ApiClient, ami: ScriptedAmi
) -> None:
    ami.on["Originate"] = refuse(REASON)
    first = await create(api, key="refused")
    await api.wait_ended(id_of(first))
    again = await create(api, key="refused")
    assert (again.status, again.text) == (first.status, first.text)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(ami.actions("Originate")) == 1


async def test_given_no_answer_yet_when_created_again_and_deleted_then_one_call_that_ends_once(
    api: ApiClient, ami: ScriptedAmi
) -> None:
    """DELETE promises an end although nobody knows whether there is a channel."""
    ami.on["Originate"] = silence
    first = await create(api, key="unanswered")
    again = await create(api, key="unanswered")
    call_id = id_of(first)
    assert id_of(again) == call_id
    assert (await api.hang_up("210", call_id)).json == [{"id": call_id}]
    await refuse(REASON)(ami.logged_in[0], ami.actions("Originate")[0])
    record = await api.wait_ended(call_id)
    assert (record["reason"], record["endedBy"]) == (REASON, "pbx")
    assert len(ami.actions("Originate")) == 1


async def test_given_the_link_dies_after_the_write_then_202_and_the_next_list_ends_the_call(
    api: ApiClient, ami: ScriptedAmi
) -> None:
    ami.on["Originate"] = drop_connection
    record = await api.wait_ended(id_of(await create(api)), 20)
    assert record["reason"] == "lost while disconnected"
    assert len(ami.actions("Originate")) == 1


async def test_given_the_link_dies_before_the_write_then_503_and_the_key_is_free(
    running: WholeService, api: ApiClient, ami: ScriptedAmi
) -> None:
    """Between the commit and the write: the call is on disk, and nothing was sent."""
    await eventually(lambda: running.service.node.link.link.up, timeout=20)
    await api.authenticate()
    with locked(running.service.settings.resolved_database_url):
        creating = asyncio.create_task(create(api, key="unsent"))
        await eventually(lambda: len(running.service.node.switchboard.calls.live) == 1)
        [call] = running.service.node.switchboard.calls.live
        ami.drop_all()
        await eventually(lambda: not running.service.node.link.link.up)
    refused = await creating
    assert (refused.status, refused.code) == (503, "pbx_unavailable")
    assert ami.actions("Originate") == []
    assert (await api.wait_ended(call.id))["endedBy"] == "pbx"
    await eventually(lambda: running.service.node.link.link.up, timeout=20)
    again = await create(api, key="unsent")
    assert "Idempotent-Replayed" not in again.headers
    assert id_of(again) != call.id
    await running.refuse_last()
    await api.wait_ended(id_of(again))


async def test_given_no_answer_yet_when_stopped_then_the_refusal_is_waited_for(
    tmp_path: Path,
) -> None:
    async with whole_service(tmp_path) as running, running.client() as api:
        running.ami.on["Originate"] = after(0.3, refuse(REASON))
        call_id = id_of(await create(api))
        token = api.token
    async with whole_service(tmp_path) as running, running.client() as api:
        api.token = token
        [record] = await api.calls("@self", call_id, ended="true")
        assert record["reason"] == REASON
        assert running.ami.actions("Originate") == []


async def test_given_the_setting_then_a_create_waits_for_the_pbx_and_a_refusal_is_502(
    tmp_path: Path,
) -> None:
    async with (
        whole_service(tmp_path, create_waits_for_pbx=True) as running,
        running.client() as api,
    ):
        ami = running.ami
        ami.on["Originate"] = refuse(REASON)
        for _ in range(2):
            refused = await create(api, key="refused")
            assert (refused.status, refused.code) == (502, "call_not_placed")
            assert REASON in refused.message
        assert len(ami.actions("Originate")) == 1
        ami.on["Originate"] = silence
        creating = asyncio.create_task(create(api))
        await ami.wait_for_action("Originate", 2)
        assert not creating.done()
        await originate_queued(ami.logged_in[0], ami.actions("Originate")[1])
        call_id = id_of(await creating)
        await running.refuse_last()
        await api.wait_ended(call_id)
