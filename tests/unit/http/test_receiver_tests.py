"""POST …/test: the receiver gets an event that says so, and the app gets its answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from standardwebhooks import Webhook

from bridge.client import event_details
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.webhook_receiver import (
    PARAMETERS,
    Mood,
    Receiver,
    fine,
    refusing,
    waiting_for,
)

from .whole_service import WholeService, whole_service

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVENTS = "/uapi/extensions/@me/210/phoneCallEvents"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeService]:
    folder = tmp_path_factory.mktemp("tests")
    settings = {"events_private_targets": True, "events_timeout_s": 0.5}
    async with whole_service(folder, **settings, events_tests_per_minute=2) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def api(running: WholeService) -> AsyncIterator[ApiClient]:
    async with running.client() as api:
        yield api
        await api.request("DELETE", EVENTS)


@pytest_asyncio.fixture(loop_scope="module")
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


async def subscribed(api: ApiClient, url: str, **more: object) -> tuple[str, str]:
    """Path and secret."""
    body = {"type": "2,100", "url": url, "method": 1, **more}
    made = await api.request("POST", EVENTS, body=body)
    assert made.status == 200, made.text
    return f"{EVENTS}/2/{made.json['id']}", made.headers["X-Event-Secret"]


async def test_given_receiver_that_takes_json_when_tested_then_both_sides_see_that_it_is_a_test(
    api: ApiClient, receiver: Receiver
) -> None:
    one, secret = await subscribed(api, receiver.url(), format="json")
    done = await api.request("POST", f"{one}/test/")
    assert done.status == 200, done.text
    shown = done.json
    assert (shown["state"], shown["status"], shown["test"]) == ("delivered", 200, True)
    [sent] = receiver.received
    event = Webhook(secret).verify(sent.body, sent.headers)
    assert (event["test"], event["type"], event["extension"]) == (True, "2", "0003*210")
    assert tuple(event["parameters"]) == PARAMETERS
    assert event["deliveryId"] == shown["id"]
    listed = await api.request("GET", f"{one}/deliveries")
    assert listed.json["entry"] == [shown]


async def test_given_form_when_tested_then_the_signed_facts_say_that_it_is_a_test(
    api: ApiClient, receiver: Receiver
) -> None:
    one, secret = await subscribed(api, receiver.url(), method=0)
    assert (await api.request("POST", f"{one}/test")).json["state"] == "delivered"
    [sent] = receiver.received
    assert event_details(secret, sent.headers)["test"] == "true"
    assert (sent.method, sent.parameters["CallAPIID"]) == ("GET", "test")


@pytest.mark.parametrize(
    ("mood", "status", "error"),
    [
        (refusing(404), 404, "the receiver answered 404"),
        (refusing(302), 302, "the receiver answered 302"),
        (waiting_for(asyncio.Event()), None, "no answer within 0.5 s"),
    ],
)
async def test_given_receiver_that_refuses_when_tested_then_the_answer_says_why_and_once(
    api: ApiClient, receiver: Receiver, mood: Mood, status: int | None, error: str
) -> None:
    receiver.mood = mood
    one, _ = await subscribed(api, receiver.url())
    done = await api.request("POST", f"{one}/test")
    assert (done.status, done.json["state"]) == (200, "failed"), done.text
    assert (done.json.get("status"), done.json["error"]) == (status, error)
    assert len(receiver.received) == 1
    receiver.mood = fine


async def test_given_nobody_there_when_tested_then_the_answer_says_so(api: ApiClient) -> None:
    one, _ = await subscribed(api, f"http://127.0.0.1:{free_http_port()}/")
    done = await api.request("POST", f"{one}/test")
    assert done.json["state"] == "failed"
    assert "not connected" in done.json["error"]


async def test_given_many_tests_when_one_more_is_sent_then_it_has_to_wait(
    api: ApiClient, receiver: Receiver
) -> None:
    one, _ = await subscribed(api, receiver.url())
    key = {"Idempotency-Key": "test"}
    first = await api.request("POST", f"{one}/test", headers=key)
    again = await api.request("POST", f"{one}/test", headers=key)
    assert (again.json, len(receiver.received)) == (first.json, 1)
    assert (await api.request("POST", f"{one}/test")).status == 200
    refused = await api.request("POST", f"{one}/test")
    assert (refused.status, refused.code) == (429, "too_many_test_events")
    told = [x.headers["RateLimit"].rpartition(", ")[2] for x in (first, refused)]
    assert told[0].startswith('"test-events-of-subscription";r=1;t=')
    wait_s = int(refused.headers["Retry-After"])  # said a moment before
    assert told[1].partition(";")[2] in (f"r=0;t={wait_s}", f"r=0;t={wait_s - 1}")
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    other, _ = await subscribed(api, receiver.url())
    assert (await api.request("POST", f"{other}/test")).status == 200


async def test_given_disabled_subscription_when_tested_then_nothing_is_sent(
    api: ApiClient, receiver: Receiver
) -> None:
    one, _ = await subscribed(api, receiver.url(), status=0)
    refused = await api.request("POST", f"{one}/test")
    assert (refused.status, refused.code) == (400, "pce_status_invalid")
    unknown = await api.request("POST", f"{EVENTS}/2/{'x' * 30}/test")
    assert (unknown.status, unknown.code) == (400, "pce_id_invalid")
    assert receiver.received == []
