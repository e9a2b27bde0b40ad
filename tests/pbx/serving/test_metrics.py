"""GET /metrics: what happened is counted; who may read it; no label comes from outside."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.lab.running_lab import RunningLab, open_lab

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOKEN = "a-token-of-the-tests"
ANSWERS, TALKS = "3235550201", "3235550202"


class MeteredLab(RunningLab):
    """A lab whose metrics are on a port of their own, too."""

    port: int

    async def scraped(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"http://127.0.0.1:{self.port}/metrics") as answer,
        ):
            assert answer.status == 200
            text = await answer.text()
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def value(self, name: str, **labels: str) -> float:
        found = await self.scraped()
        return found.get((f"uapi_{name}", tuple(sorted(labels.items()))), 0.0)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[MeteredLab]:
    port = free_http_port()
    settings = {"metrics_port": str(port), "metrics_token": TOKEN, "events_private_targets": "true"}
    opened = await open_lab(tmp_path_factory.mktemp("metrics"), settings)
    async with MeteredLab(opened.asterisk, opened.bridge) as lab:
        lab.port = port
        yield lab


async def test_given_a_call_when_it_ends_then_each_of_its_steps_is_counted(
    lab: MeteredLab, api: ApiClient
) -> None:
    before = await lab.value("calls_begun_total", origin="api")
    call_id = await api.place([ANSWERS], [TALKS], extension="210")
    await api.wait_status(call_id, 5)
    assert await lab.value("calls_live", state="answered") == 1
    assert await lab.value("calls_begun_total", origin="api") == before + 1
    await api.hang_up("210", call_id)
    await api.wait_ended(call_id)
    labels = {"origin": "api", "disposition": "answered", "ended_by": "api"}
    assert await lab.value("calls_ended_total", **labels) == 1
    assert await lab.value("calls_live", state="answered") == 0
    assert await lab.value("first_dial_seconds_count") == before + 1
    assert await lab.value("ami_link_up") == 1
    assert await lab.value("storage_up") == 1
    assert await lab.value("pbx_events_waiting") == 0
    assert await lab.value("recordings_up") == 1
    for histogram in ("commit_seconds", "pbx_event_lag_seconds", "talk_seconds"):
        assert await lab.value(f"{histogram}_count") >= 1, histogram


async def test_given_a_phone_that_registers_then_it_is_counted(lab: MeteredLab) -> None:
    before = await lab.value("phones_reachable")
    async with lab.phone("0003*210"):
        await eventually(lambda: _has_one_more(lab, before), 10)


async def _has_one_more(lab: MeteredLab, before: float) -> bool:
    return await lab.value("phones_reachable") == before + 1


async def test_given_requests_when_counted_then_by_route_and_never_by_path(
    lab: MeteredLab, api: ApiClient
) -> None:
    for number in range(3):
        await api.request("GET", f"/nowhere/{number}")
        await api.request("GET", f"/uapi/phoneCalls/@me/210/{number}")
    await api.request("PROPFIND", "/uapi/phoneCalls/@me/210")

    async def count(method: str, route: str, status: str) -> float:
        return await lab.value("http_requests_total", method=method, route=route, status=status)

    one_call = "/uapi/phoneCalls/{userId}/{extension}/{phoneCallId}"
    assert await count("GET", "none", "404") >= 3
    assert await count("GET", one_call, "200") >= 3
    said = str((await lab.scraped()).keys())
    assert "'other'" in said
    for of_a_client in ("nowhere", "PROPFIND", "0003", "210", "3235550"):
        assert of_a_client not in said


async def test_given_a_receiver_that_is_gone_when_an_event_waits_then_it_is_seen(
    lab: MeteredLab, api: ApiClient
) -> None:
    body = {"type": "2", "url": f"http://127.0.0.1:{free_http_port()}/", "method": "1"}
    path = "/uapi/extensions/@me/210/phoneCallEvents"
    made = await api.request("POST", path, body=body)
    assert made.status == 200, made.text
    call_id = await api.place([ANSWERS], [TALKS], extension="210")
    await api.wait_status(call_id, 5)
    await api.hang_up("210", call_id)

    async def waits() -> bool:
        tried = await lab.value("event_attempts_total", answer="none")
        behind = await lab.value("event_receivers_behind")
        return tried >= 1 and behind == 1

    await eventually(waits, 10)
    assert await lab.value("event_oldest_undelivered_seconds") > 0
    await api.request("DELETE", path)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer é"}, 401),
        ({}, 401),
    ],
)
async def test_on_the_port_of_the_api_the_token_is_needed(
    lab: MeteredLab, headers: dict[str, str], status: int
) -> None:
    url = f"{lab.bridge.base_url}/metrics"
    async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as answer:
        assert answer.status == status


async def test_the_port_of_the_metrics_has_nothing_else(lab: MeteredLab) -> None:
    url = f"http://127.0.0.1:{lab.port}/uapi/phoneCalls/@me/@self"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        assert answer.status == 404
