"""`cursor` on every list: no gap, none twice, and nothing but a 400 for what is no cursor."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from yarl import URL

from bridge.calls.store.call_store import CallStore
from bridge.client.sync_client import SyncUapiClient
from bridge.client.uapi_client import UapiClient
from bridge.http.errors import UapiError
from bridge.http.uapi.cursors import CursorKind
from bridge.phone_call_events.store.delivery_store import write_delivery
from bridge.storage.engine import open_engine
from bridge.storage.write_queue import WriteQueue
from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.openapi_check import openapi, resolved
from tests.integration.storage.phone_calls import ended, finish, live_call
from tests.integration.storage.test_event_deliveries import an_event
from tests.scripted_ami.server import event

from .test_strict_handling import filled
from .whole_service import WholeService, whole_service

pytestmark = pytest.mark.asyncio(loop_scope="module")

CREATE = "/uapi/phoneCalls/@me/simple"
CALLS = "/uapi/phoneCalls/@me/@self"
RECORDS = "/uapi/cdr/@me"
EVENTS = "/uapi/extensions/@me/0003*210/phoneCallEvents"
PRESENCE = "/uapi/extensions/@me/@self/presence"
NEXT = re.compile(r'<([^>]*)>; rel="next"\Z')
KIND = CursorKind("live", descending=False)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeService]:
    async with whole_service(tmp_path_factory.mktemp("cursors")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(running: WholeService) -> AsyncIterator[ApiClient]:
    async with running.client() as api:
        yield api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ended_ids(running: WholeService) -> list[str]:
    """Seven ended calls of 0003*210, in the order of their beginning."""
    now_ms = 2**42
    calls = [
        ended(live_call(f"{number:020d}", published_ms=now_ms + number // 2), now_ms + 100)
        for number in range(7)
    ]
    engine = open_engine(running.service.settings.resolved_database_url)
    queue = WriteQueue(engine)
    await queue.start()
    for call in calls:
        await finish(CallStore(engine, queue), call)
    await queue.stop()
    await engine.dispose()
    return [x.id for x in calls]


def entries(answer: Answer) -> list[Any]:
    assert answer.status == 200, answer.text
    entry = answer.json["entry"]
    return list(entry.values() if isinstance(entry, dict) else entry)


async def all_pages(api: ApiClient, path: str, **query: str) -> list[Answer]:
    """From the first page on, each by the link of the one before."""
    answers = [await api.request("GET", path, params=query)]
    while "Link" in answers[-1].headers:
        found = NEXT.match(answers[-1].headers["Link"])
        assert found is not None
        answers.append(await api.request("GET", found[1]))
    return answers


def key(item: dict[str, Any]) -> Any:
    return item.get("id") or item["extension"]


@pytest.mark.parametrize("order", ["ascending", "descending"])
@pytest.mark.parametrize("path", [f"{CALLS}?ended=true", RECORDS, PRESENCE, EVENTS])
async def test_the_links_lead_through_the_whole_list(
    api: ApiClient, ended_ids: list[str], path: str, order: str
) -> None:
    for number in range(3 if path == EVENTS else 0):
        body = {"type": 2, "url": f"https://receiver.example/{number % 2}"}
        await api.request("POST", EVENTS, body=body)
    path, _, query = path.partition("?")
    more = dict(x.split("=") for x in query.split("&") if x)
    whole = await api.request("GET", path, params={**more, "sortOrder": order, "count": "100"})
    expected = [key(x) for x in entries(whole)]
    assert len(expected) >= 3
    assert "Link" not in whole.headers
    for start in ({}, {"cursor": ""}):
        query_ = {**more, **start, "sortOrder": order, "count": "2"}
        pages = await all_pages(api, path, **query_)
        assert [key(x) for page in pages for x in entries(page)] == expected
        assert len(pages) == (len(expected) + 1) // 2
        for page in pages[0 if start else 1 :]:
            assert page.json.keys() == {"entry", "itemsPerPage"}
    await api.request("DELETE", EVENTS)


async def test_deliveries_are_paged_from_the_newest(running: WholeService, api: ApiClient) -> None:
    made = await api.request("POST", EVENTS, body={"type": 2, "url": "https://receiver.example/"})
    subscription = running.service.events.find(made.json["id"])
    assert subscription is not None
    engine = open_engine(running.service.settings.resolved_database_url)
    queue = WriteQueue(engine)
    await queue.start()

    async def occur(number: int) -> None:
        await queue.submit(*write_delivery(an_event(subscription, f"{number:020d}")))

    for number in range(5):
        await occur(number)
    path = f"{EVENTS}/2/{subscription.id}/deliveries"
    first = await api.request("GET", path, params={"count": "2"})
    await occur(9)
    await queue.stop()
    await engine.dispose()
    found = NEXT.match(first.headers["Link"])
    assert found is not None
    rest = await all_pages(api, found[1].removeprefix(api.base_url))
    sequences = [x["sequence"] for page in (first, *rest) for x in entries(page)]
    assert sequences == [5, 4, 3, 2, 1]
    await api.request("DELETE", EVENTS)


async def test_given_live_calls_that_come_and_go_then_no_gap_and_none_twice(
    running: WholeService, api: ApiClient
) -> None:
    ids = [await api.place("210", "211", extension="210") for _ in range(5)]
    query = {"count": "2", "filterBy": "published", "filterOp": "present", "fields": "id"}
    first = await api.request("GET", CALLS, params=query)
    assert [x["id"] for x in entries(first)] == ids[:2]
    for call_id in ids[:2]:  # the call at which the next page begins is gone, too
        await api.hang_up("@self", call_id)
    actions = running.ami.actions("Originate")[-5:-3]
    for action in actions:
        await refuse(running, action.value("ActionID"))
    for call_id in ids[:2]:
        await api.wait_ended(call_id)
    later = await api.place("210", "211", extension="210")
    found = NEXT.match(first.headers["Link"])
    assert found is not None
    rest = await all_pages(api, found[1])
    assert [x["id"] for page in rest for x in entries(page)] == [*ids[2:], later]
    assert {x.keys() == {"id"} for page in rest for x in entries(page)} == {True}
    await api.hang_up("@self")
    for call_id in (*ids[2:], later):  # a list of a later test would change under it
        await api.wait_ended(call_id)


async def refuse(running: WholeService, action_id: str) -> None:
    """The PBX says that the phone of this Originate is not there."""
    await running.ami.send(
        event(
            "OriginateResponse",
            ActionID=action_id,
            Response="Failure",
            Reason=5,
            Uniqueid="<unknown>",
        )
    )


async def test_a_link_has_no_token_and_keeps_the_filter(
    api: ApiClient, ended_ids: list[str]
) -> None:
    value = '0>; rel="x",<é'
    query = {
        "ended": "true",
        "count": "1",
        "filterBy": "id",
        "filterOp": "lessThan",
        "filterValue": value,
        "accessRequestToken": "secret",
    }
    answer = await api.request("GET", CALLS, params=query)
    found = NEXT.match(answer.headers["Link"])
    assert found is not None
    url = URL(found[1])
    assert url.query["filterValue"] == value
    assert "accessRequestToken" not in url.query
    assert found[1].isascii()


def cursor_of(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


HOSTILE = [
    "x",
    "é",
    "=",
    "A" * 5000,
    cursor_of("live.a.1"),
    cursor_of("live.d.1.a"),
    cursor_of("nosuch.a.1.a"),
    cursor_of("live.a.-1.a"),
    cursor_of("live.a.01.a"),
    cursor_of("live.a.99999999999999999999.a"),
    cursor_of("live.a.1.\0"),
    cursor_of("live.a.\u0661.a"),
    cursor_of("live.a.1.a") + "=",
    cursor_of("live.a.1.a")[:-1] + "B",
    "_w",
]


@pytest.mark.parametrize("cursor", HOSTILE, ids=lambda x: ascii(x)[:20])
async def test_a_text_that_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(UapiError, match="cursor_invalid"):
        KIND.read(cursor)


def lists() -> list[str]:
    """The paths of all lists that take a cursor."""
    return [
        path
        for path, item in openapi()["paths"].items()
        if "cursor" in [resolved(x)["name"] for x in item.get("get", {}).get("parameters", ())]
    ]


@pytest.mark.parametrize("path", lists())
async def test_every_list_refuses_a_hostile_cursor(api: ApiClient, path: str) -> None:
    made = await api.request("POST", EVENTS, body={"type": 2, "url": "https://receiver.example/"})
    path = filled(path, made.json["id"])
    names = ("live", "ended", "records", "subscriptions", "deliveries", "presence")
    hostile = [*HOSTILE[:2], *(cursor_of(f"{x}.{y}.1.\0") for x in names for y in "ad")]
    for cursor in hostile:
        for ended_too in ({}, {"ended": "true"}):
            answer = await api.request("GET", path, params={"cursor": cursor, **ended_too})
            assert (answer.status, answer.code) == (400, "cursor_invalid"), cursor
    both = await api.request("GET", path, params={"cursor": "", "startIndex": "0"})
    assert (both.status, both.code) == (400, "cursor_invalid")
    await api.request("DELETE", EVENTS)


async def test_the_client_goes_through_all_pages(
    running: WholeService, ended_ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.client.uapi_client._PAGE", 3)
    secret = running.service.directory.directory.apps["user-12"].client_secret
    async with UapiClient(running.base_url, "user-12", secret) as api:
        found = [x.id async for x in api.every_call("210", ended=True)]
        assert set(found) >= set(ended_ids)
        assert len(found) == len(set(found))
        query = {"sortOrder": "descending", "count": 2}
        records = [x["id"] async for x in api.entries(RECORDS, query)]
        # Other tests of this service have left calls of other extensions.
        assert [x for x in records if x in set(found)] == found[::-1]
        assert len(records) == len(set(records))
        extensions = [x["extension"] async for x in api.entries(PRESENCE)]
        assert extensions == sorted(extensions)
        assert "0003*210" in extensions


async def test_the_client_without_a_loop_goes_through_all_pages(
    running: WholeService, ended_ids: list[str]
) -> None:
    secret = running.service.directory.directory.apps["user-12"].client_secret

    def found() -> list[str]:
        with SyncUapiClient(running.base_url, "user-12", secret) as api:
            some = [x.id for x in api.every_call("210", ended=True)]
            assert [x["id"] for x in api.entries(RECORDS, {"count": 2})] == some
            return some

    assert set(await asyncio.to_thread(found)) >= set(ended_ids)
