"""Creates at an instance from which another one takes the PBX over: 503, not dialled, key free."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.calls.store.call_store import CallStore
from bridge.faults import Fenced
from bridge.http.verba.errors import Code, as_verba_error
from bridge.testing.lab.api_client import Answer, ApiClient

from .whole_service import WholeService, whole_service

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeService]:
    async with whole_service(tmp_path_factory.mktemp("taken_over")) as running:
        yield running


async def create(api: ApiClient, key: str) -> Answer:
    headers = {"Idempotency-Key": key}
    return await api.create(["210"], ["211"], extension="210", headers=headers)


def assert_refused(answer: Answer) -> None:
    assert (answer.status, answer.code) == (503, "pbx_unavailable"), answer.text
    assert answer.headers["Retry-After"] == "2"


async def assert_free(running: WholeService, api: ApiClient, key: str) -> None:
    before = len(running.ami.actions("Originate"))
    again = await create(api, key)
    assert again.status == 202, again.text
    assert "Idempotent-Replayed" not in again.headers
    assert len(running.ami.actions("Originate")) == before + 1
    await running.refuse_last()
    await api.wait_ended(again.json[0]["id"])


async def test_given_a_call_that_cannot_be_accepted_then_503_and_no_trace_of_it(
    running: WholeService, api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fenced(*_: object, **__: object) -> None:
        raise Fenced("pbx:main is taken over from this instance, or may be at any moment")

    with monkeypatch.context() as patch:
        patch.setattr(CallStore, "accept", fenced)
        assert_refused(await create(api, "not accepted"))
    assert running.ami.actions("Originate") == []
    assert await api.calls("@self") == []
    assert await api.calls("@self", ended="true") == []
    await assert_free(running, api, "not accepted")


async def test_given_an_accepted_call_when_it_is_too_late_to_dial_then_503_and_one_record(
    running: WholeService, api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(running.ami.actions("Originate"))
    with monkeypatch.context() as patch:
        patch.setattr(running.service.node.link, "_may_act", lambda: False)
        assert_refused(await create(api, "too late"))
    assert len(running.ami.actions("Originate")) == before
    [record] = [
        x for x in await api.calls("@self", ended="true") if "another instance" in str(x["reason"])
    ]
    assert (record["disposition"], record["endedBy"]) == (2, "pbx")
    await assert_free(running, api, "too late")


async def test_given_a_fence_then_verba_tells_when_to_come_again() -> None:
    error = as_verba_error(Fenced("pbx:main is taken over"))
    assert error is not None
    assert error.code is Code.UNEXPECTED_ERROR
    assert error.headers == {"Retry-After": "2"}
