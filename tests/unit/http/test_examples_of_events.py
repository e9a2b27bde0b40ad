"""The requests of docs/phone-call-events.md and of the secret in docs/calls.md, one by one."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.webhook_receiver import Receiver

from .whole_service import whole_service

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCS = Path(__file__).parents[3] / "docs"


def requests(page: str, path: str) -> list[tuple[str, str, Any]]:
    """Method, path and body of each request of the page that begins with this path."""
    form = re.compile(
        rf"^    (GET|POST|PUT|DELETE) ({re.escape(path)}\S*)(?:\n    (\{{.*\}}))?$", re.MULTILINE
    )
    return [
        (method, path, json.loads(body) if body else None)
        for method, path, body in form.findall((DOCS / page).read_text())
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiClient]:
    folder = tmp_path_factory.mktemp("events")
    async with (
        whole_service(folder, events_private_targets=True) as running,
        running.client() as api,
    ):
        yield api


async def test_the_steps_of_the_page_of_events(api: ApiClient) -> None:
    steps = requests("phone-call-events.md", "/uapi/extensions/@me/")
    assert len(steps) == 8
    ids: dict[str, str] = {}
    async with Receiver() as receiver:
        for method, path, body in steps:
            for shown, real in ids.items():
                path = path.replace(shown, real)
            if body is not None and "url" in body:
                body = {**body, "url": receiver.url("/hook?key=1")}
            answer = await api.request(method, path, body=body)
            assert answer.status in (200, 202), (method, path, answer.text)
            if "url" in (body or {}):
                ids["/17"] = f"/{answer.json['id']}"
            elif path.endswith("/deliveries"):
                ids["/42"] = f"/{answer.json['entry'][0]['id']}"
        await receiver.wait_count(2, "/hook")  # the test, and its retry
    left = await api.request("GET", "/uapi/extensions/@me/0003*210/phoneCallEvents")
    assert left.json["entry"] == []


async def test_the_new_secret_of_the_page_of_calls(api: ApiClient) -> None:
    view = {"source": ["210"], "destination": ["211"]}
    call = {"extension": "210", "phoneCallView": [view], "statusUrl": "http://127.0.0.1:9999/x"}
    created = await api.request("POST", "/uapi/phoneCalls/@me/simple", body=call)
    [(method, path, body)] = requests("calls.md", "/uapi/phoneCalls/@me/statusSecret")
    replaced = await api.request(method, path, body=body)
    assert replaced.status == 200, replaced.text
    assert replaced.headers["X-Event-Secret"] != created.headers["X-Event-Secret"]
