"""A database that hangs, with real phones: refused in time, and no phone rings for who has left."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.integration.storage.private_postgresql import PrivatePostgresql
from tests.integration.storage.test_database_down import locked
from tests.pbx.calls.limited_lab import open_limited_lab, restart_with
from tests.pbx.calls.live_calls import wait_no_calls

pytestmark = pytest.mark.asyncio(loop_scope="session")

HANGS_S = 8.0
STORED_WITHIN_S, READY_KNOWS_S = 4.0, 3.0
SLACK_S = 2.0  # what a loaded machine may add
QUIET_S = 3.0  # a phone that is to ring for a refused create has done so by then


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    async with open_limited_lab(tmp_path_factory.mktemp("hangs")) as lab:
        yield lab


@pytest.mark.parametrize("what", ["postgresql", "its connections", "sqlite"])
async def test_given_a_database_that_hangs_then_creates_are_refused_in_time_and_nobody_is_rung_late(
    lab: RunningLab, postgresql: PrivatePostgresql, what: str
) -> None:
    settings, hanging = {}, locked(f"sqlite:///{lab.bridge.state_dir / 'bridge.db'}")
    if what != "sqlite":
        settings = {"database_url": postgresql.new_database()}
        hanging = postgresql.frozen(only_backends=what == "its connections")
    await restart_with(lab, settings)
    async with (
        lab.client() as api,
        lab.phone("0003*210", answer="auto") as alice,
        lab.phone("0003*211", answer="auto") as bob,
    ):
        first = await api.place(["210"], ["211"])
        await api.wait_status(first, 5)
        with hanging:
            began = time.monotonic()
            creates = [asyncio.ensure_future(timed_create(api, x)) for x in (0.0, 0.5, 3.0)]
            ready_s = await seconds_until_not_ready(api)
            deleted = await api.hang_up("210", first)
            await alice.wait_closed()
            answers = await asyncio.gather(*creates)
            # It hangs so long, and not only until all have been answered.
            await asyncio.sleep(max(0.0, HANGS_S - (time.monotonic() - began)))
        assert ready_s < READY_KNOWS_S + SLACK_S
        assert (deleted.status, deleted.json) == (200, [{"id": first}])
        for answer, took_s in answers:
            assert took_s < STORED_WITHIN_S + SLACK_S, answer.text
            if answer.status != 202:  # a new connection of those that work may have taken it
                assert (answer.status, answer.code) == (503, "storage_unavailable")
                assert int(answer.headers["Retry-After"]) > 0
        accepted = [x.json[0]["id"] for x, _ in answers if x.status == 202]
        if what != "its connections":
            assert accepted == []
        await lab.bridge.wait_health(200)
        await asyncio.sleep(QUIET_S)  # in which a refused call would have rung
        assert alice.incoming_invites == 1 + len(accepted), "a call that was refused has rung"
        for call_id in accepted:
            await api.hang_up("210", call_id)
        await wait_no_calls(api)
        record = await api.wait_ended(first, time_limit_s=40)
        assert (record["endedBy"], record["disposition"]) == ("api", 0)
        again = await api.place(["210"], ["211"])
        await api.wait_status(again, 5)
        await api.leave_no_call()
        assert bob.incoming_invites >= 2


async def timed_create(api: ApiClient, after_s: float) -> tuple[Answer, float]:
    await asyncio.sleep(after_s)  # one while it begins to hang, others while it does
    began = time.monotonic()
    answer = await api.create(["210"], ["211"])
    return answer, time.monotonic() - began


async def seconds_until_not_ready(api: ApiClient) -> float:
    began = time.monotonic()

    async def not_ready() -> bool:
        return (await api.request("GET", "/health/ready")).status != 200

    with contextlib.suppress(AssertionError):
        await eventually(not_ready, timeout=20)
    return time.monotonic() - began
