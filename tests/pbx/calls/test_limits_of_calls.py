"""Limits of calls: per second, at a time, in age. Each refusal says when to try again."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import rings
from tests.pbx.calls.limited_lab import open_limited_lab, restart_with
from tests.pbx.calls.live_calls import statuses, wait_no_calls, wait_only_call, wait_statuses

pytestmark = pytest.mark.asyncio(loop_scope="session")

AGE_MAX_S = 6
# The age is looked at this often, and a hang-up takes its moment.
AGE_SLACK_S = 5 + 3


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    async with open_limited_lab(tmp_path_factory.mktemp("limits")) as lab:
        yield lab


def assert_too_many(answer: Answer, what: str) -> None:
    assert (answer.status, answer.code) == (429, "too_many_requests")
    assert what in answer.message
    assert int(answer.headers["Retry-After"]) >= 1


async def test_given_calls_per_second_when_exceeded_then_some_wait_and_the_rest_are_429(
    lab: RunningLab,
) -> None:
    await restart_with(
        lab, {"calls_per_second": "0.25", "calls_burst": "2", "call_queue_wait_ms": "6000"}
    )
    async with lab.client() as api:
        await api.authenticate()

        async def create() -> tuple[float, Answer]:
            began = time.monotonic()
            answer = await api.create(["3235550202"], ["3235550201"], extension="210")
            return time.monotonic() - began, answer

        results = await asyncio.gather(*(create() for _ in range(6)))

        # Two at once, the third four seconds later; a fourth would have waited eight.
        assert Counter(x.status for _, x in results) == {202: 3, 429: 3}
        waited_s = max(took_s for took_s, answer in results if answer.status == 202)
        assert waited_s >= 3
        for took_s, answer in results:
            if answer.status == 429:
                assert_too_many(answer, "per second")
                assert took_s < waited_s
        assert len(await api.calls()) == 3
        refused = next(x for _, x in results if x.status == 429)
        await asyncio.sleep(int(refused.headers["Retry-After"]))  # what the answer promises
        assert (await create())[1].status == 202
        await api.hang_up()
        await wait_no_calls(api)


async def test_given_limits_of_concurrent_calls_when_reached_then_429_until_one_has_ended(
    lab: RunningLab,
) -> None:
    await restart_with(
        lab, {"calls_per_extension_max": "2", "calls_per_user_max": "3", "calls_max": "4"}
    )
    began_ms = int(time.time() * 1000)
    async with lab.client() as api, lab.client("user-13") as of_bob:

        async def create(client: ApiClient, extension: str) -> Answer:
            return await client.create(["3235550202"], ["3235550201"], extension=extension)

        both = await asyncio.gather(*(create(api, "210") for _ in range(3)))
        assert sorted(x.status for x in both) == [202, 202, 429]
        assert_too_many(next(x for x in both if x.status == 429), "of the extension")
        assert (await create(api, "211")).status == 202
        assert_too_many(await create(api, "211"), "of the user")
        assert (await create(of_bob, "220")).status == 202
        assert_too_many(await create(of_bob, "220"), "in all")

        assert len((await api.hang_up("211")).json) == 1
        await wait_no_calls(api, "211")
        assert (await create(of_bob, "220")).status == 202
        await of_bob.hang_up()
        await api.hang_up()
        await wait_no_calls(of_bob)
        await wait_no_calls(api)
        # Whatever was refused has left nothing behind.
        with sqlite3.connect(lab.bridge.state_dir / "bridge.db") as database:
            (rows,) = database.execute(
                "SELECT count(*) FROM calls WHERE published_ms >= ?", (began_ms,)
            ).fetchone()
        assert rows == 5


async def test_given_maximum_age_when_calls_are_older_then_they_are_ended_and_recorded(
    lab: RunningLab,
) -> None:
    await restart_with(lab, {"call_age_max_s": str(AGE_MAX_S)})
    async with (
        lab.client() as api,
        lab.phone("0003*210", answer="auto") as alice,
        lab.scripted("0003*211", rings()) as bob,
        lab.phone("0003*212") as carol,
    ):
        talks = await api.place(["210"], ["3235550201"])
        await wait_statuses(api, talks, 5, 5)
        waits = await api.place(["211"], ["3235550201"])
        await bob.wait_ringing()
        await carol.dial("3235550201")
        dialled = await wait_only_call(api, "212", lambda x: statuses(x) == [5, 5])

        for call_id, disposition in ((talks, 0), (waits, 3), (dialled["id"], 0)):
            record = await api.wait_ended(call_id, AGE_MAX_S + AGE_SLACK_S)
            assert (record["endedBy"], record["disposition"]) == ("age limit", disposition)
            age_ms = record["endedMs"] - record["publishedMs"]
            assert AGE_MAX_S * 1000 <= age_ms <= (AGE_MAX_S + AGE_SLACK_S) * 1000
        for phone in (alice, bob, carol):
            await phone.wait_closed()
    assert "Traceback" not in lab.bridge.log_text()
