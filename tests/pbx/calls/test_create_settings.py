"""Settings that change how a call is created, in a lab of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.config.settings import Settings
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.toolchain import ensure_phone_tools
from tests.pbx.calls.live_calls import assert_lasted

pytestmark = pytest.mark.asyncio(loop_scope="module")

ECHO = "3235550201"
SETTINGS = {
    "create_status": "200",
    "public_base_url": "https://voice.example.org/pbx/",
    "refuse_unreachable_sources": "false",
    "call_duration_default_s": "2",
    "call_duration_max_s": "30",
    "wait_for_pickup_default_s": "1",
    "wait_for_pickup_max_s": "20",
    "destination_wait_s": "2",
    "parties_max": "2",
    "nonce_max_chars": "5",
    "body_max_bytes": "2048",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def own_lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    ensure_phone_tools()
    lab = await open_lab(tmp_path_factory.mktemp("settings-lab"), SETTINGS)
    try:
        yield lab
    finally:
        await lab.close()


@pytest_asyncio.fixture(loop_scope="module")
async def own_api(own_lab: RunningLab) -> AsyncIterator[ApiClient]:
    async with own_lab.client() as client:
        yield client
        await client.hang_up()


async def place(api: ApiClient, source: str = "210", destination: str = ECHO, **query: str) -> str:
    answer = await api.request(
        "POST",
        "/uapi/phoneCalls/@me/simple",
        params=query,
        body={
            "extension": "210",
            "phoneCallView": [{"source": [source], "destination": [destination]}],
        },
    )
    assert answer.status == 200, answer.text
    return str(answer.json[0]["id"])


async def test_given_create_status_and_public_base_url_when_created_then_200_and_that_url(
    own_lab: RunningLab, own_api: ApiClient
) -> None:
    async with own_lab.phone("0003*210"):
        answer = await own_api.create(
            ["210"], [ECHO], extension="0003*210", headers={"Host": "10.0.0.1"}
        )

        assert answer.status == 200
        self_url = answer.json[0]["links"]["self"]
        path = f"/uapi/phoneCalls/@me/0003*210/{answer.json[0]['id']}"
        assert self_url == f"https://voice.example.org/pbx{path}"
        assert (await own_api.request("GET", path)).json["entry"][0]["links"]["self"] == self_url


async def test_given_the_default_duration_when_none_is_asked_for_then_it_ends_the_talk(
    own_lab: RunningLab, own_api: ApiClient
) -> None:
    async with own_lab.phone("0003*210", answer="auto") as source:
        call_id = await place(own_api)

        record = await own_api.wait_ended(call_id)

        assert_lasted(record["endedMs"] - record["answeredMs"], 2_000)
        assert record["endedBy"] == "duration limit"
        assert source.incoming_invites == 1


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"callDuration": "31"}, "pc_duration_invalid"),
        ({"waitForPickup": "21"}, "pc_timeout_invalid"),
        ({"callDuration": "30", "waitForPickup": "20"}, None),
    ],
    ids=str,
)
async def test_given_a_maximum_when_more_is_asked_for_then_it_is_refused(
    own_lab: RunningLab, own_api: ApiClient, query: dict[str, str], code: str | None
) -> None:
    answer = await own_api.request(
        "POST",
        "/uapi/phoneCalls/@me/simple",
        params=query,
        body={
            "extension": "210",
            "phoneCallView": [{"source": ["3235550180"], "destination": [ECHO]}],
        },
    )

    if code is None:
        assert answer.status == 200
    else:
        assert (answer.status, answer.code) == (400, code)


async def test_given_no_setting_when_started_then_the_default_wait_is_25_seconds() -> None:
    assert Settings.model_fields["wait_for_pickup_default_s"].default == 25


async def test_given_the_default_wait_when_nobody_answers_then_it_rings_that_long(
    own_lab: RunningLab, own_api: ApiClient
) -> None:
    async with own_lab.phone("0003*210") as source:
        call_id = await place(own_api)

        record = await own_api.wait_ended(call_id)

        # From the ringing, which begins a moment later than the wait.
        assert 0 < record["endedMs"] - record["ringingMs"] < 9_000
        assert (record["disposition"], record["endedBy"]) == (3, "pickup timeout")
        assert source.incoming_invites == 1


async def test_given_the_destination_wait_when_it_rings_on_then_the_call_ends_as_not_answered(
    own_lab: RunningLab, own_api: ApiClient
) -> None:
    async with (
        own_lab.phone("0003*210", answer="auto") as source,
        own_lab.phone("0003*211") as destination,
    ):
        call_id = await place(own_api, destination="211")
        rang = await destination.wait_ringing()

        record = await own_api.wait_ended(call_id)

        assert (record["disposition"], record["endedBy"]) == (3, "pickup timeout")
        assert (record["hangupCause"], record["reason"]) == (19, "no answer")
        assert (await destination.wait_closed()).close_reason == "CANCEL received"
        assert rang.missed
        await source.wait_closed()
        assert (source.incoming_invites, destination.incoming_invites) == (1, 1)


@pytest.mark.parametrize("sources", [["210"], ["210", "211"]], ids=len)
async def test_given_unreachable_sources_are_let_through_when_none_is_there_then_the_call_fails(
    own_lab: RunningLab, own_api: ApiClient, sources: list[str]
) -> None:
    answer = await own_api.create(sources, [ECHO], extension="210")

    assert answer.status == 200
    record = await own_api.wait_ended(answer.json[0]["id"])
    assert (record["disposition"], record["endedBy"]) == (2, "pbx")
    assert record["reason"] == "unavailable"


async def test_given_unreachable_sources_are_let_through_when_one_of_two_is_there_then_it_rings(
    own_lab: RunningLab, own_api: ApiClient
) -> None:
    async with own_lab.phone("0003*211", answer="auto") as there:
        answer = await own_api.create(["210", "211"], [ECHO], extension="210")

        assert answer.status == 200
        on_call = await own_api.wait_status(answer.json[0]["id"], 5)
        assert on_call["phoneCallView"][0]["extension"] == "211"
        assert there.incoming_invites == 1


async def test_given_limits_of_lists_nonce_and_body_when_exceeded_then_each_has_its_error(
    own_api: ApiClient,
) -> None:
    public = "3235550180"
    long_list = await own_api.create([public, ECHO, "3235550200"], [ECHO], extension="210")
    long_nonce = await own_api.create([public], [ECHO], extension="210", body={"nonce": "n" * 6})
    long_body = await own_api.create([public], [ECHO], extension="210", body={"x": "x" * 3000})

    assert (long_list.status, long_list.code) == (400, "pc_source_invalid")
    assert (long_nonce.status, long_nonce.code) == (400, "pc_nonce_invalid")
    assert (long_body.status, long_body.code) == (413, "request_too_large")
