"""`statusUrl` of a create: each state of that call is posted there, signed, in order."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from standardwebhooks import Webhook

from bridge.client import UapiClient, verify_signature
from bridge.phone_call_events.delivery_worker import DeliveryWorker
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.webhook_receiver import Receiver, fine, refusing

from .whole_service import WholeService, whole_service

pytestmark = pytest.mark.asyncio(loop_scope="module")

VIEW = {"source": ["210"], "destination": ["211"]}
SECRET = "/uapi/phoneCalls/@me/statusSecret"
SETTINGS = {
    "events_private_targets": True,
    "events_retry_first_s": 0.05,
    "events_retry_last_s": 0.1,
    "events_final_refused_max": 1,
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeService]:
    async with whole_service(tmp_path_factory.mktemp("status"), **SETTINGS) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def api(running: WholeService) -> AsyncIterator[ApiClient]:
    async with running.client() as api:
        yield api


@pytest_asyncio.fixture(loop_scope="module")
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


async def place(api: ApiClient, url: object, **more: Any) -> Answer:
    body = {"extension": "210", "phoneCallView": [VIEW], "statusUrl": url, **more}
    headers = body.pop("headers", None)
    return await api.request("POST", "/uapi/phoneCalls/@me/simple", body=body, headers=headers)


async def placed_and_over(running: WholeService, api: ApiClient, url: str, **more: Any) -> Answer:
    made = await place(api, url, **more)
    assert made.status == 202, made.text
    await running.refuse_last()
    await api.wait_ended(made.json[0]["id"])
    return made


async def test_given_status_url_when_the_call_ends_then_its_end_is_posted_and_signed(
    running: WholeService, api: ApiClient, receiver: Receiver
) -> None:
    made = await placed_and_over(
        running, api, receiver.url("/a?b=1"), nonce="n", metadata={"ticket": 1}
    )
    secret = made.headers["X-Event-Secret"]
    await receiver.wait_count(1, "/a")
    [sent] = receiver.received
    state = sent.json
    assert (state["state"], state["phoneCallId"]) == ("ended", made.json[0]["id"])
    assert (state["nonce"], state["metadata"]) == ("n", {"ticket": 1})
    assert (state["disposition"], state["durationMs"], state["sequence"]) == (2, 0, 1)
    assert "parameters" not in state
    Webhook(secret).verify(sent.body, sent.headers)
    verify_signature(secret, sent.headers, "POST", sent.target, sent.body)
    timeline = f"/uapi/phoneCalls/@me/210/{made.json[0]['id']}/timeline"

    async def attempts() -> list[tuple[str, int]]:
        answer = await api.request("GET", timeline)
        assert answer.status == 200, answer.text
        entries = answer.json["entry"]
        return [(x["eventType"], x["status"]) for x in entries if x["type"] == "webhook"]

    assert await eventually(attempts) == [("ended", 200)]
    # Nothing of it stays in memory, and no list has it.
    receivers = running.service.events.call_receivers
    await eventually(lambda: not list(receivers))
    events = await api.request("GET", "/uapi/extensions/@me/210/phoneCallEvents")
    assert events.json["entry"] == []


async def test_given_receiver_that_is_down_when_it_is_back_then_the_same_state_comes_once_more(
    running: WholeService, api: ApiClient, receiver: Receiver
) -> None:
    receiver.mood = refusing(503)
    await placed_and_over(running, api, receiver.url())
    await receiver.wait_count(2)
    receiver.mood = fine
    count = len(receiver.received) + 1
    await receiver.wait_count(count)
    assert len({x.headers["webhook-id"] for x in receiver.received}) == 1
    assert len({x.body for x in receiver.received}) == 1


def workers() -> int:
    """How many there are in memory."""
    gc.collect()
    return sum(isinstance(x, DeliveryWorker) for x in gc.get_objects())


async def test_given_answer_410_when_a_state_is_posted_then_it_is_given_up(
    running: WholeService, api: ApiClient, receiver: Receiver
) -> None:
    receiver.mood = refusing(410)
    await placed_and_over(running, api, receiver.url())
    await receiver.wait_count(1)
    receivers = running.service.events.call_receivers
    await eventually(lambda: not list(receivers))
    assert len(receiver.received) == 1
    await eventually(lambda: not workers())


async def test_given_the_same_key_when_created_again_then_the_secret_is_told_again(
    running: WholeService, api: ApiClient, receiver: Receiver
) -> None:
    key = {"Idempotency-Key": "status"}
    made = await placed_and_over(running, api, receiver.url(), headers=key)
    again = await place(api, receiver.url(), headers=key)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["X-Event-Secret"] == made.headers["X-Event-Secret"]
    plain = await place(api, None)
    assert "X-Event-Secret" not in plain.headers
    await running.refuse_last()
    await api.wait_ended(plain.json[0]["id"])


async def test_given_new_secret_when_a_call_ends_then_both_fit(
    running: WholeService, api: ApiClient, receiver: Receiver
) -> None:
    first = (await placed_and_over(running, api, receiver.url())).headers["X-Event-Secret"]
    done = await api.request("POST", SECRET, body={"keepSeconds": 60})
    assert (done.status, done.json["oldSecretUntil"][-1]) == (200, "Z"), done.text
    second = done.headers["X-Event-Secret"]
    secret = running.service.directory.directory.apps["user-12"].client_secret
    async with UapiClient(running.base_url, "user-12", secret) as client:
        made = await client.create_call(
            "210", "211", extension="210", status_url=receiver.url("/second")
        )
        assert client.event_secret == second != first
    await running.refuse_last()
    await receiver.wait_count(1, "/second")
    [sent] = receiver.at("/second")
    assert sent.json["phoneCallId"] == made.id
    for known in (first, second):
        Webhook(known).verify(sent.body, sent.headers)
        verify_signature(known, sent.headers, "POST", sent.target, sent.body)
    refused = await api.request("POST", SECRET, body={"keepSeconds": -1})
    assert (refused.status, refused.code) == (400, "pce_secret_invalid")


@pytest.mark.parametrize(
    "url", ["", "ftp://example.com/", "https://user@example.com/", "http://h:25/", 7, ["http://h/"]]
)
async def test_given_odd_url_when_created_then_it_is_refused(api: ApiClient, url: object) -> None:
    refused = await place(api, url)
    assert (refused.status, refused.code) == (400, "pc_statusurl_invalid"), refused.text


async def test_given_private_targets_forbidden_when_created_then_a_local_url_is_refused(
    tmp_path: Path,
) -> None:
    async with whole_service(tmp_path) as strict, strict.client() as api:
        refused = await place(api, "http://127.0.0.1:8080/")
        assert (refused.status, refused.code) == (400, "pc_statusurl_invalid")


async def test_given_undelivered_state_when_the_service_restarts_then_it_is_delivered(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.mood = refusing(503)
    async with whole_service(tmp_path, **SETTINGS) as before, before.client() as api:
        made = await placed_and_over(before, api, receiver.url())
        await receiver.wait_count(1)
    receiver.mood = fine
    receiver.received.clear()
    async with whole_service(tmp_path, **SETTINGS):
        await receiver.wait_count(1)
    [sent] = receiver.received
    assert sent.json["state"] == "ended"
    Webhook(made.headers["X-Event-Secret"]).verify(sent.body, sent.headers)
