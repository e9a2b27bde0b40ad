"""A create that takes too long is 503 in time; whatever comes of it then dials nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import structlog

from bridge.calls.errors import TooManyCalls
from bridge.calls.placing import CallPlacement
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from tests.integration.storage.test_database_down import locked

from .whole_service import WholeService, whole_service

pytestmark = pytest.mark.asyncio(loop_scope="module")
LIMIT_S = 0.3


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeService]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bridge.wiring.http._create_limit_s", lambda _: LIMIT_S)
        async with whole_service(tmp_path_factory.mktemp("late")) as running:
            yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(running: WholeService) -> AsyncIterator[ApiClient]:
    async with running.client() as api:
        await api.authenticate()
        yield api


async def refused_create(api: ApiClient) -> None:
    answer = await api.create("210", "211")
    assert (answer.status, answer.code) == (503, "storage_unavailable"), answer.text


async def test_given_a_database_that_hangs_when_it_goes_on_then_the_late_call_is_not_dialled(
    running: WholeService, api: ApiClient
) -> None:
    url = running.service.settings.resolved_database_url
    with structlog.testing.capture_logs() as logs:
        with locked(url):
            await refused_create(api)
        await eventually(lambda: any(x["event"] == "create_given_up" for x in logs))
    [line] = [x for x in logs if x["event"] == "create_given_up"]
    assert (line["log_level"], line["why"]) == ("info", "not stored in time")
    assert running.ami.actions("Originate") == []
    assert (await api.calls("@self")) == []


@pytest.mark.parametrize(
    ("fault", "event", "level"),
    [
        (TooManyCalls("too many concurrent calls in all (limit 1)", 5), "create_given_up", "info"),
        (RuntimeError("a defect"), "request_failed", "error"),
    ],
)
async def test_given_a_create_that_fails_late_then_a_refusal_is_noted_and_a_defect_is_an_error(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch, fault: Exception, event: str, level: str
) -> None:
    may_fail = asyncio.Event()

    async def late(*_: Any, **__: Any) -> None:
        await may_fail.wait()
        raise fault

    monkeypatch.setattr(CallPlacement, "place_all", late)
    with structlog.testing.capture_logs() as logs:
        await refused_create(api)
        may_fail.set()
        await eventually(lambda: any(x["event"] == event for x in logs))
    [line] = [x for x in logs if x["event"] in ("create_given_up", "request_failed")]
    assert line["log_level"] == level
