"""`RateLimit`: each answer tells the limits of its request, before one is reached."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from bridge.access.buckets import Buckets
from bridge.calls.errors import TooManyCalls
from bridge.calls.pace import Pace
from bridge.http.rate_limits import with_retry_after
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.openapi_check import openapi

from .test_strict_handling import filled
from .whole_service import WholeService, whole_service

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOC = Path(__file__).parents[3] / "docs" / "requests.md"
CREATE = "/uapi/phoneCalls/@me/simple"
CALLS = "/uapi/phoneCalls/@me/@self"
EVENTS = "/uapi/extensions/@me/0003*210/phoneCallEvents"
CALL = {"extension": "210", "phoneCallView": [{"source": ["210"], "destination": ["211"]}]}
EVENT = {"type": "2", "url": "https://receiver.example:8443/hook"}
# RFC 8941: a list of strings with parameters that are integers.
MEMBER = r'"[a-z-]+"(?:;[a-z]+=[0-9]+)+'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeService]:
    async with whole_service(
        tmp_path_factory.mktemp("limits"), calls_per_extension_max=2, wrong_secrets_per_client_max=3
    ) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(running: WholeService) -> AsyncIterator[ApiClient]:
    async with running.client() as api:
        yield api


def parsed(text: str) -> dict[str, dict[str, int]]:
    assert re.fullmatch(rf"{MEMBER}(?:, {MEMBER})*", text), text
    found = {}
    for member in text.split(", "):
        name, *parameters = member.split(";")
        found[name.strip('"')] = {k: int(v) for k, v in (x.split("=") for x in parameters)}
    return found


def limits_of(headers: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """Of each limit the parameters of both headers."""
    policy, state = parsed(headers["RateLimit-Policy"]), parsed(headers["RateLimit"])
    assert policy.keys() == state.keys()
    for name, limit in policy.items():
        assert limit.keys() <= {"q", "w"}
        assert state[name].keys() <= {"r", "t"}
        assert 0 <= state[name]["r"] <= limit["q"]
    return {name: {**limit, **state[name]} for name, limit in policy.items()}


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


async def test_a_bucket_tells_what_is_left_and_when_there_is_more() -> None:
    clock = Clock()
    buckets = Buckets(4, 60, clock)
    assert (buckets.left("a"), buckets.next_s("a")) == (4, None)
    for left in (3, 2, 1, 0):
        buckets.take("a")
        assert buckets.left("a") == left
    assert (buckets.wait_s("a"), buckets.next_s("a")) == (15, 15)
    clock.now_s += 15
    assert (buckets.left("a"), buckets.wait_s("a"), buckets.next_s("a")) == (1, 0, 15)
    clock.now_s += 44
    assert (buckets.left("a"), buckets.next_s("a"), buckets.left("b")) == (3, 1, 4)


@pytest.mark.parametrize(("per_second", "burst", "wait_ms"), [(4, 3, 2000), (0.5, 1, 0), (3, 2, 1)])
async def test_the_pace_takes_as_many_calls_as_it_tells(
    monkeypatch: pytest.MonkeyPatch, per_second: float, burst: int, wait_ms: int
) -> None:
    async def at_once(_: float) -> None:
        pass

    monkeypatch.setattr("bridge.calls.pace.asyncio.sleep", at_once)
    clock = Clock()
    pace = Pace(per_second, burst, wait_ms, clock)
    assert (pace.left, pace.more_in_s) == (pace.at_once, None)
    for step_s in (0.0, 0.1, 1.7, float(pace.window_s)):
        clock.now_s += step_s
        left = pace.left
        for _ in range(left):
            await pace.turn()
        assert pace.left == 0
        with pytest.raises(TooManyCalls) as refused:
            await pace.turn()
        assert pace.more_in_s == refused.value.retry_after_s
    assert left == pace.at_once


async def test_the_example_of_the_page_is_the_answer_to_a_create(tmp_path: Path) -> None:
    async with whole_service(tmp_path) as running, running.client() as api:
        answer = await api.request("POST", CREATE, body=CALL)
        example = dict(re.findall(r"^    (RateLimit(?:-Policy)?): (.+)$", DOC.read_text(), re.M))
        told, shown = limits_of(answer.headers), limits_of(example)
    # By then a new call may be possible again, and a new request.
    for name in ("requests-of-app", "new-calls"):
        for limits in (told, shown):
            assert limits[name]["q"] - limits[name].pop("r") in (0, 1)
            limits[name].pop("t", None)
    assert told == shown


def paths() -> list[tuple[str, str]]:
    return [
        (method, path)
        for path, item in openapi()["paths"].items()
        for method in item.keys() & {"get", "post", "put", "delete"}
        if path.startswith("/uapi/")
    ]


@pytest.mark.parametrize(("method", "path"), sorted(paths()))
async def test_every_route_of_the_unified_api_tells_the_requests_that_are_left(
    api: ApiClient, method: str, path: str
) -> None:
    before = limits_of((await api.request("GET", CALLS)).headers)["requests-of-app"]["r"]
    method = "HEAD" if path.endswith("/stream") else method.upper()
    answer = await api.request(method, filled(path, "0"), body={})
    limit = limits_of(answer.headers)["requests-of-app"]
    assert (limit["q"], limit["w"]) == (60_000, 60)
    assert limit["r"] >= before - 1
    # A request is back after 1 ms: where the answer took longer, nothing is missing any more.
    assert limit.get("t", 1) == 1


async def test_given_live_calls_when_another_is_created_then_fewer_are_left_and_then_none(
    running: WholeService, api: ApiClient
) -> None:
    made = [await api.request("POST", CREATE, body=CALL) for _ in range(2)]
    refused = await api.request("POST", CREATE, body=CALL)
    told = [limits_of(x.headers) for x in (*made, refused)]
    assert [x["live-calls-of-extension"] for x in told] == [
        {"q": 2, "r": 1},
        {"q": 2, "r": 0},
        {"q": 2, "r": 0},
    ]
    assert [x["live-calls-of-user"]["r"] for x in told] == [49, 48, 48]
    assert told[0]["new-calls"]["q"] == 150
    assert (refused.status, refused.headers["Retry-After"]) == (429, "5")
    for answer in made:
        await api.hang_up("@self", answer.json[0]["id"])
        await running.refuse_last()
    invalid = await api.request("POST", CREATE, body={})
    assert "new-calls" in limits_of(invalid.headers)


async def test_given_an_action_that_rings_a_phone_then_its_limits_are_told(
    api: ApiClient, running: WholeService
) -> None:
    call_id = await api.place("210", "211", extension="210")
    act = {"action": "PickUp", "sendCallTo": "212"}
    answer = await api.request("PUT", f"{CALLS}/{call_id}", body=act)
    assert limits_of(answer.headers)["live-calls-of-extension"]["q"] == 2
    await api.hang_up("@self", call_id)
    await running.refuse_last()


async def test_given_subscriptions_and_streams_then_their_places_are_told(api: ApiClient) -> None:
    answer = await api.request("POST", EVENTS, body=EVENT)
    assert limits_of(answer.headers)["subscriptions-of-extension"] == {"q": 20, "r": 19}
    await api.request("DELETE", EVENTS)
    headers = {"Authorization": f"Bearer {api.token}"}
    async with api.http.get(f"{api.base_url}{CALLS}/stream", headers=headers) as stream:
        assert limits_of(stream.headers)["streams-of-app"] == {"q": 1000, "r": 999}


async def test_given_wrong_secrets_when_one_more_is_left_then_it_is_told(
    running: WholeService,
) -> None:
    form = {"grant_type": "client_credentials", "client_id": "admin", "client_secret": "no"}
    url = f"{running.base_url}/oauth/token.php"
    async with aiohttp.ClientSession() as http:
        told = []
        for _ in range(4):
            async with http.post(url, data=form) as answer:
                told.append((answer.status, limits_of(answer.headers)["wrong-secrets-of-client"]))
                retry_after = answer.headers.get("Retry-After")
    assert [(status, x["r"]) for status, x in told] == [(401, 2), (401, 1), (401, 0), (429, 0)]
    assert told[0][1] == {"q": 3, "w": 300, "r": 2, "t": 100}
    assert str(told[-1][1]["t"]) == retry_after


async def test_given_too_many_requests_of_an_app_then_429_and_other_apps_go_on(
    tmp_path: Path,
) -> None:
    async with (
        whole_service(tmp_path, requests_per_minute_max=5) as running,
        running.client() as api,
        running.client("organization-0003") as other,
    ):
        hold = {"action": "OnHold"}  # asks for the app twice
        answers = [await api.request("PUT", CALLS, body=hold) for _ in range(6)]
        assert [x.status for x in answers] == [204] * 5 + [429]
        limits = [limits_of(x.headers)["requests-of-app"] for x in answers]
        assert [x["r"] for x in limits] == [4, 3, 2, 1, 0, 0]
        assert answers[-1].code == "too_many_requests"
        assert answers[-1].headers["Retry-After"] == str(limits[-1]["t"]) == "12"
        assert (await other.request("GET", "/uapi/phoneCalls/12/@self")).status == 200
        key = next(x for x in running.service.directory.directory.verba_keys if not x.needs_login)
        url = f"{running.base_url}/verba/api"
        query = {"apiKey": key.key, "action": "GetMarkers", "callID": "0"}
        for left in (4, 3, 2, 1, 0, 0):
            async with api.http.get(url, params=query) as answer:
                assert limits_of(answer.headers)["requests-of-app"]["r"] == left
        assert answer.headers["Retry-After"] == "12"


async def test_given_no_limit_of_requests_then_none_is_told(tmp_path: Path) -> None:
    async with (
        whole_service(tmp_path, requests_per_minute_max=0) as running,
        running.client() as api,
    ):
        answer = await api.request("GET", CALLS)
        assert "RateLimit" not in answer.headers


@pytest.mark.parametrize(
    ("status", "own", "told"),
    [(503, {}, "5"), (429, {}, "5"), (503, {"Retry-After": "30"}, "30"), (504, {}, None)],
)
async def test_every_answer_of_not_now_says_when_to_come_again(
    status: int, own: dict[str, str], told: str | None
) -> None:
    async def handler(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, headers=own)

    answer = await with_retry_after(handler)(make_mocked_request("GET", "/"))
    assert answer.headers.get("Retry-After") == told
