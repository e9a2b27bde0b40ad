"""The ladder of a call and the charts: drawn and counted for the session, and for no other."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bridge.calls.store.call_store import CallStore

from ..whole_service import WholeService
from .console_client import ConsoleClient, console_client, signed_in

pytestmark = pytest.mark.asyncio(loop_scope="package")

CALL = {"extension": "210", "phoneCallView": [{"source": ["210"], "destination": ["211"]}]}


async def placed(client: ConsoleClient) -> str:
    status, told = await client.ask("POST", "/uapi/phoneCalls/12/simple", CALL)
    assert status == 202, told
    return str(told[0]["id"])


async def picture(client: ConsoleClient, path: str) -> tuple[int, str, str]:
    headers = {"X-Console-Proof": client.proof}
    async with client.http.get(client.base_url + path, headers=headers) as answer:
        return answer.status, answer.content_type, await answer.text()


async def test_given_a_call_when_its_ladder_is_asked_for_then_it_is_a_picture(
    running: WholeService,
) -> None:
    async with signed_in(running, "user-12") as client:
        call_id = await placed(client)
        status, kind, text = await picture(client, f"/console/ladder/12/@self/{call_id}")
        assert (status, kind) == (200, "image/svg+xml")
        assert text.startswith('<svg xmlns="http://www.w3.org/2000/svg" class="ladder"')
        assert "app to service: create" in text
        assert (await picture(client, "/console/ladder/12/@self/unknown1"))[0] == 400
    async with signed_in(running, "user-13") as other:
        assert (await picture(other, f"/console/ladder/12/@self/{call_id}"))[0] in (400, 403)
    async with console_client(running) as nobody:
        assert (await picture(nobody, f"/console/ladder/12/@self/{call_id}"))[0] == 401


@pytest.mark.parametrize(
    ("query", "interval_ms", "intervals"),
    [
        ("", 300_000, 288),
        ("?hours=6", 120_000, 180),
        ("?hours=1", 60_000, 60),
        ("?hours=x", 300_000, 288),
    ],
)
async def test_given_hours_when_charts_are_asked_for_then_each_list_has_its_intervals(
    running: WholeService, query: str, interval_ms: int, intervals: int
) -> None:
    async with signed_in(running, "user-12") as client:
        status, told = await client.ask("GET", f"/console/charts{query}")
    assert status == 200
    assert told["intervalMs"] == interval_ms
    lists: list[Any] = [told["concurrent"], *told["calls"].values(), *told["answerMs"].values()]
    assert {len(x) for x in lists} == {intervals}
    assert told["truncated"] is False


async def test_given_charts_at_once_when_asked_for_by_one_app_then_they_are_made_in_turn(
    running: WholeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, most = [0], [0]

    async def slow(*_: object) -> list[object]:
        now[0] += 1
        most[0] = max(most[0], now[0])
        await asyncio.sleep(0.02)  # as long as another request needs to come here
        now[0] -= 1
        return []

    monkeypatch.setattr(CallStore, "ended_moments", slow)
    async with signed_in(running, "user-12") as client, signed_in(running, "user-13") as other:
        asked = [x.ask("GET", "/console/charts") for x in [client] * 5 + [other]]
        assert [status for status, _ in await asyncio.gather(*asked)] == [200] * 6
    assert most == [2]


async def test_given_nobody_when_charts_are_asked_for_then_they_are_refused(
    running: WholeService,
) -> None:
    async with console_client(running) as nobody:
        assert (await nobody.ask("GET", "/console/charts"))[0] == 401
