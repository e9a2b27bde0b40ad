"""Idempotency-Key: the same request again gives the first answer and places no second call."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

import pytest

from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.running_lab import RunningLab, open_lab
from bridge.testing.softphones.toolchain import ensure_phone_tools
from tests.pbx.calls.live_calls import wait_no_calls

pytestmark = pytest.mark.asyncio(loop_scope="session")

ECHO = "3235550201"


def new_key() -> str:
    return secrets.token_hex(8)


async def create(
    api: ApiClient, key: str, destination: str = ECHO, source: str = "210", **query: Any
) -> Answer:
    return await api.create(
        [source],
        [destination],
        extension="210",
        body={"nonce": "n"},
        headers={"Idempotency-Key": key},
        **query,
    )


def replayed(answer: Answer) -> bool:
    return headers_of(answer).get("idempotent-replayed") == "true"


def headers_of(answer: Answer) -> Mapping[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}


async def test_given_a_key_when_the_same_request_comes_again_then_the_first_answer_and_no_call(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as phone:
        key = new_key()
        first = await create(api, key, waitForPickup="20")
        await phone.wait_ringing()

        again = [await create(api, key, waitForPickup="20") for _ in range(3)]

        assert first.status == 202
        assert not replayed(first)
        for answer in again:
            assert (answer.status, answer.text) == (202, first.text)
            assert replayed(answer)
            assert answer.headers["Content-Type"] == first.headers["Content-Type"]
        assert [x["id"] for x in await api.calls("210")] == [first.json[0]["id"]]
        await api.hang_up("210")
        await phone.wait_closed()
        after_the_end = await create(api, key, waitForPickup="20")
        assert (after_the_end.text, replayed(after_the_end)) == (first.text, True)
        await wait_no_calls(api, "210")
        assert phone.incoming_invites == 1


async def test_given_a_key_when_another_request_uses_it_then_409_and_no_call(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as phone:
        key = new_key()
        await create(api, key)
        await phone.wait_ringing()

        others = [
            await create(api, key, destination="3235550202"),
            await create(api, key, callDuration="60"),
            await create(api, key, destination="not a number"),
            await api.request(
                "POST",
                "/uapi/phoneCalls/@me/simple",
                body=b"{",
                headers={"Idempotency-Key": key},
            ),
        ]

        for answer in others:
            assert (answer.status, answer.code) == (409, "idempotency_conflict")
        assert len(await api.calls("210")) == 1
        assert phone.incoming_invites == 1


async def test_given_a_key_when_the_same_request_comes_many_times_at_once_then_one_call(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as phone:
        key = new_key()
        await api.authenticate()

        answers = await asyncio.gather(*(create(api, key) for _ in range(10)))

        assert {x.status for x in answers} == {202}
        assert len({x.text for x in answers}) == 1
        assert sorted(replayed(x) for x in answers) == [False] + [True] * 9
        await phone.wait_ringing()
        assert len(await api.calls("210")) == 1
        assert phone.incoming_invites == 1


async def test_given_a_key_when_another_app_uses_it_then_it_is_another_key(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210") as phone,
        lab.client("organization-0003") as organization,
    ):
        headers = {"Idempotency-Key": new_key()}
        first, second = [
            await app.create(["210"], [ECHO], user="12", extension="210", headers=headers)
            for app in (api, organization)
        ]

        assert (first.status, second.status) == (202, 202)
        assert first.json[0]["id"] != second.json[0]["id"]
        await phone.wait_ringing()
        await phone.wait_ringing()
        assert phone.incoming_invites == 2


async def test_given_a_refused_request_when_the_key_is_used_again_then_it_is_free(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as phone:
        key = new_key()
        invalid = await create(api, key, destination="not a number")
        unreachable = await create(api, key, source="212")
        assert (invalid.code, unreachable.code) == ("pc_destination_invalid", "pc_source_invalid")

        accepted = await create(api, key)

        assert (accepted.status, replayed(accepted)) == (202, False)
        await phone.wait_ringing()
        assert phone.incoming_invites == 1


async def test_given_a_token_in_the_query_when_the_retry_has_a_new_one_then_it_is_the_same_request(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210") as phone:
        key = new_key()
        first = await create(api, key, accessRequestToken=await api.authenticate(), video="false")

        again = await create(api, key, video="false", accessRequestToken=await api.authenticate())

        assert (again.text, replayed(again)) == (first.text, True)
        await phone.wait_ringing()
        assert phone.incoming_invites == 1


async def test_given_the_phone_has_left_when_the_request_is_repeated_then_the_first_answer(
    lab: RunningLab, api: ApiClient
) -> None:
    key = new_key()
    async with lab.phone("0003*210") as phone:
        first = await create(api, key)
        await phone.wait_ringing()
        await api.hang_up("210")
        await phone.wait_closed()
        await phone.unregister()

        again = await create(api, key)

        assert (again.status, again.text, replayed(again)) == (202, first.text, True)
        assert phone.incoming_invites == 1


@pytest.mark.parametrize("key", ["", "k" * 256, "ключ"], ids=ascii)
async def test_given_a_key_that_is_none_when_created_then_400(api: ApiClient, key: str) -> None:
    answer = await create(api, key)

    assert (answer.status, answer.code) == (400, "idempotency_key_invalid")


async def test_given_a_key_when_the_service_restarts_or_is_killed_then_the_answer_is_still_known(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    ensure_phone_tools()
    lab = await open_lab(tmp_path_factory.mktemp("own-lab") / "lab")
    try:
        async with lab.client() as api, lab.phone("0003*210") as phone:
            key = new_key()
            first = await create(api, key)
            await phone.wait_ringing()
            for end in (lab.bridge.stop, lab.bridge.kill):
                await end()
                await lab.bridge.start()

                again = await create(api, key)
                other = await create(api, key, destination="3235550202")

                assert (again.status, again.text, replayed(again)) == (202, first.text, True)
                assert (other.status, other.code) == (409, "idempotency_conflict")
                assert [x["id"] for x in await api.calls("210")] == [first.json[0]["id"]]
            await api.hang_up()
            await phone.wait_closed()
            assert phone.incoming_invites == 1
    finally:
        await lab.close()
