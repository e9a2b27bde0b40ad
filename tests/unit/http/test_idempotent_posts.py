"""`Idempotency-Key` on every POST: the meaning of the request counts, not its spelling."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
import pytest_asyncio

from bridge.phone_call_events.store.delivery_store import write_delivery
from bridge.recordings.conversation import Conversation
from bridge.recordings.store.conversation_store import ConversationStore
from bridge.storage.engine import open_engine
from bridge.storage.write_queue import WriteQueue
from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.openapi_check import openapi
from tests.integration.storage.conversations import conversation
from tests.integration.storage.test_event_deliveries import an_event

from .whole_service import WholeService, whole_service

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREATE = "/uapi/phoneCalls/12/simple"
EVENTS = "/uapi/extensions/@me/0003*210/phoneCallEvents"
EVENT = {"type": "2", "url": "https://receiver.example:8443/hook", "note": "CRM", "method": None}
CALL = (
    b'{"extension": "210", "phoneCallView": [{"source": ["210"], "destination": ["211", "212"]}],'
    b' "nonce": "17"}'
)
REPLAYED = "Idempotent-Replayed"
DOC = Path(__file__).parents[3] / "docs" / "requests.md"
_keys = itertools.count()


def new_key() -> dict[str, str]:
    return {"Idempotency-Key": f"key {next(_keys)}"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeService]:
    async with whole_service(tmp_path_factory.mktemp("keys")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(running: WholeService) -> AsyncIterator[ApiClient]:
    async with running.client() as api:
        yield api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def created(
    running: WholeService, api: ApiClient
) -> AsyncIterator[tuple[dict[str, str], Answer]]:
    """One call, and the key that it was created with."""
    key, query = new_key(), {"waitForPickup": "20", "video": "false"}
    answer = await api.request("POST", CREATE, params=query, body=CALL, headers=key)
    assert answer.status == 202, answer.text
    yield key, answer
    await api.hang_up("@self", answer.json[0]["id"])
    await running.refuse_last()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/uapi/phoneCalls/12/simple?waitForPickup=20&video=false", CALL),
        ("/unifiedapi/phoneCalls/12/simple/?video=0&waitForPickup=020", CALL),
        ("/uapi//phoneCalls/0012/simple?waitForPickup=20&video=False&video=false", CALL),
        (
            "/uapi/phoneCalls/12/simple?waitForPickup=20&video=false&accessRequestToken=x",
            b'\xef\xbb\xbf{"nonce":17,"phoneCallView":{"destination":[211,"212"],"source":210,'
            b'"callerId":null},\n"extension":210}',
        ),
    ],
)
async def test_the_same_create_in_another_spelling_gets_the_first_answer(
    api: ApiClient, created: tuple[dict[str, str], Answer], path: str, body: bytes
) -> None:
    key, first = created
    again = await api.request("POST", path, body=body, headers=key)
    assert (again.status, again.text) == (202, first.text)
    assert again.headers[REPLAYED] == "true"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/uapi/phoneCalls/12/callback?waitForPickup=20&video=false", CALL),
        ("/uapi/phoneCalls/12/simple?waitForPickup=21&video=false", CALL),
        ("/uapi/phoneCalls/12/simple?waitForPickup=20&video=true", CALL),
        ("/uapi/phoneCalls/12/simple?waitForPickup=20&video=false&x=1", CALL),
        (
            "/uapi/phoneCalls/12/simple?waitForPickup=20&video=false",
            CALL.replace(b'"211", "212"', b'"212", "211"'),
        ),
        ("/uapi/phoneCalls/12/simple?waitForPickup=20&video=false", CALL[:-1] + b', "x": 1}'),
        ("/uapi/phoneCalls/12/simple?waitForPickup=20&video=false", CALL[:-1]),
        (
            "/uapi/phoneCalls/12/simple?waitForPickup=20&video=false",
            b'{"x": ' + b"[" * 900 + b"1, 2" + b"]" * 900 + b"}",
        ),
    ],
)
async def test_another_create_with_the_key_is_refused(
    api: ApiClient, created: tuple[dict[str, str], Answer], path: str, body: bytes
) -> None:
    answer = await api.request("POST", path, body=body, headers=created[0])
    assert (answer.status, answer.code) == (409, "idempotency_conflict"), answer.text


async def test_the_example_of_the_page_places_one_call(
    running: WholeService, api: ApiClient
) -> None:
    page = DOC.read_text()
    [key] = re.findall(r"'Idempotency-Key: ([^']+)'", page)
    [body] = re.findall(r"-d '(\{.*\})'", page)
    answers = [
        await api.request("POST", CREATE, body=body.encode(), headers={"Idempotency-Key": key})
        for _ in range(2)
    ]
    assert [x.status for x in answers] == [202, 202]
    assert answers[0].text == answers[1].text
    await api.hang_up("@self", answers[0].json[0]["id"])
    await running.refuse_last()


async def test_given_a_key_when_subscribed_at_once_then_one_subscription_and_one_secret(
    api: ApiClient,
) -> None:
    key = new_key()
    other = {**EVENT, "type": 2, "status": None}
    answers = await asyncio.gather(
        *(api.request("POST", EVENTS, body=x, headers=key) for x in (EVENT, other, EVENT))
    )
    assert {x.status for x in answers} == {200}
    assert len({(x.text, x.headers["X-Event-Secret"]) for x in answers}) == 1
    assert sorted(x.headers.get(REPLAYED, "") for x in answers) == ["", "true", "true"]
    kept = await api.request("GET", EVENTS)
    assert [x["id"] for x in kept.json["entry"]] == [answers[0].json["id"]]
    conflict = await api.request("POST", EVENTS, body={**EVENT, "type": 1}, headers=key)
    assert (conflict.status, conflict.code) == (409, "idempotency_conflict")
    await api.request("DELETE", EVENTS)
    gone = await api.request("POST", EVENTS, body=EVENT, headers=key)
    assert (gone.status, gone.text) == (200, answers[0].text)
    assert "X-Event-Secret" not in gone.headers
    assert (await api.request("GET", EVENTS)).json["entry"] == []


async def test_given_a_refused_subscription_then_its_key_is_free(api: ApiClient) -> None:
    key = new_key()
    refused = await api.request("POST", EVENTS, body={**EVENT, "method": 7}, headers=key)
    assert (refused.status, refused.code) == (400, "pce_method_invalid")
    assert (await api.request("POST", EVENTS, body=EVENT, headers=key)).status == 200
    many = [await api.request("POST", EVENTS, body=EVENT) for _ in range(19)]
    assert {x.status for x in many} == {200}
    full = new_key()
    refused = await api.request("POST", EVENTS, body=EVENT, headers=full)
    assert (refused.status, refused.code) == (400, "pce_limit_reached")
    await api.request("DELETE", EVENTS)
    assert (await api.request("POST", EVENTS, body=EVENT, headers=full)).status == 200
    await api.request("DELETE", EVENTS)


def posts() -> list[str]:
    return [
        path
        for path, item in openapi()["paths"].items()
        if "post" in item and path.startswith("/uapi/")
    ]


@pytest.mark.parametrize("path", posts())
async def test_given_a_key_that_is_no_key_then_every_post_says_so(
    api: ApiClient, path: str
) -> None:
    path = re.sub(r"\{(\w+)\}", lambda x: {"userId": "@me"}.get(x[1], "210"), path)
    answer = await api.request("POST", path, body=EVENT, headers={"Idempotency-Key": ""})
    assert (answer.status, answer.code) == (400, "idempotency_key_invalid")


async def test_given_a_retry_with_a_key_when_sent_again_then_the_event_is_sent_once_more(
    running: WholeService, api: ApiClient
) -> None:
    made = await api.request("POST", EVENTS, body={**EVENT, "status": 1})
    subscription = running.service.events.find(made.json["id"])
    assert subscription is not None
    event = an_event(subscription, "c" * 20)
    async with database(running) as (_, queue):
        await queue.submit(*write_delivery(event))
    path = f"{EVENTS}/2/{subscription.id}/deliveries/{event.id}/retry"
    key = new_key()
    first = await api.request("POST", path, headers=key)
    again = await api.request("POST", path.replace("/uapi", "/unifiedapi"), headers=key)
    assert (first.status, again.status, again.text) == (202, 202, first.text)
    assert again.headers[REPLAYED] == "true"
    other = await api.request("POST", path.replace(event.id, "0"), headers=key)
    assert (other.status, other.code) == (409, "idempotency_conflict")
    await api.request("DELETE", EVENTS)


async def test_given_a_restart_when_a_subscription_is_ordered_again_then_its_answer_comes_again(
    tmp_path: Path,
) -> None:
    answers = []
    for _ in range(2):
        async with whole_service(tmp_path) as running, running.client() as api:
            key = {"Idempotency-Key": "over a restart"}
            answers.append(await api.request("POST", EVENTS, body=EVENT, headers=key))
            assert len((await api.request("GET", EVENTS)).json["entry"]) == 1
    first, again = answers
    assert again.json["id"] == first.json["id"]
    assert again.headers["X-Event-Secret"] == first.headers["X-Event-Secret"]
    assert again.headers[REPLAYED] == "true"


class database:  # noqa: N801 - used as a context manager
    """The database of the service, beside it."""

    def __init__(self, running: WholeService) -> None:
        self._engine = open_engine(running.service.settings.resolved_database_url)
        self._queue = WriteQueue(self._engine)

    async def __aenter__(self) -> tuple[ConversationStore, WriteQueue]:
        await self._queue.start()
        return ConversationStore(self._engine, self._queue), self._queue

    async def __aexit__(self, *_: object) -> None:
        await self._queue.stop()
        await self._engine.dispose()


async def ended_conversation(running: WholeService) -> Conversation:
    ended = conversation(1_000, 5_000)
    async with database(running) as (store, _):
        await store.create(ended)
    return ended


async def verba(
    running: WholeService, key: dict[str, str], method: str = "POST", **form: Any
) -> tuple[str, str]:
    """The text of the answer, and whether it was replayed."""
    known = running.service.directory.directory.verba_keys
    form = {"apiKey": next(x.key for x in known if not x.needs_login), **form}
    query = "&".join(f"{k}={quote(str(v))}" for k, v in form.items())
    url = f"{running.base_url}/verba/api" + (f"?{query}" if method == "GET" else "")
    data = form if method == "POST" else None
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, url, data=data, headers=key) as answer,
    ):
        assert answer.status == 200
        return await answer.text(), answer.headers.get(REPLAYED, "")


async def test_given_a_key_when_a_marker_is_added_again_then_there_is_one(
    running: WholeService,
) -> None:
    call, key = await ended_conversation(running), new_key()
    marker: dict[str, Any] = {"callID": call.id, "mname": "order", "mstart": 1, "mend": 2}
    first = await verba(running, key, action="AddMarker", **marker)
    turned = dict(reversed(marker.items()))
    again = await verba(running, key, **turned, action="AddMarker")
    assert 'code="0"' in first[0]
    assert again == (first[0], "true")
    other = await verba(running, key, action="AddMarker", **{**marker, "mend": 3})
    assert 'code="-20"' in other[0]
    listed, _ = await verba(running, {}, action="GetMarkers", callID=call.id)
    assert listed.count("<verbamarker>") == 1


async def test_given_a_refused_action_then_its_key_is_free(running: WholeService) -> None:
    call, key = await ended_conversation(running), new_key()
    refused = await verba(running, key, action="KeepCall", callID=call.id, unmark=7)
    assert 'code="-20"' in refused[0]
    kept = await verba(running, key, action="KeepCall", callID=call.id)
    assert ('code="0"' in kept[0], kept[1]) == (True, "")


async def test_given_a_deleted_call_when_deleted_again_with_its_key_then_the_first_answer(
    running: WholeService,
) -> None:
    call, key = await ended_conversation(running), new_key()
    form = {"action": "DeleteCall", "callID": call.id}
    first = await verba(running, key, **form)
    again = await verba(running, key, **form)
    assert again == (first[0], "true")


async def test_a_get_of_the_verba_api_reads_no_key(running: WholeService) -> None:
    call, key = await ended_conversation(running), new_key()
    for _ in range(2):
        answer = await verba(
            running, key, "GET", action="AddMarker", callID=call.id, mname="x", mstart=1
        )
        assert ('code="0"' in answer[0], answer[1]) == (True, "")
