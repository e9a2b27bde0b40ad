"""Hundreds of real calls, while the service is killed and restarted between them."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.webhook_receiver import Receiver

from .conftest import open_event_lab
from .subscriber import ANSWER_OUTGOING, DIAL_OUT, HANG_UP, deliveries, subscribe

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(400)]

CALLS, AT_ONCE, RESTARTS = 500, 16, 5
PAYER = "0003*212"
# of the simulated public network: one that hangs up after a second, and some that refuse
HANGS_UP, SILENT = "3235551001", "3235550200"
KINDS = {
    "talk": (HANGS_UP, SILENT),
    "busy": ("3235550486", SILENT),
    "destination busy": (SILENT, "3235550486"),
    "destination congested": (SILENT, "3235550503"),
}
EXPECTED = {
    "talk": ["CALLING", "ANSWER", "ANSWER"],
    "busy": ["CALLING", "BUSY"],
    "destination busy": ["CALLING", "BUSY"],
    "destination congested": ["CALLING", "CONGESTION"],
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    lab = await open_event_lab(tmp_path_factory.mktemp("long"))
    try:
        yield lab
    finally:
        await lab.close()


class Run:
    def __init__(self, lab: RunningLab, api: ApiClient) -> None:
        self.lab = lab
        self.api = api
        self.kind_of: dict[str, str] = {}
        self.undisturbed: set[str] = set()
        self.restarts = 0
        self._left = CALLS

    async def caller(self, number: int) -> None:
        """Places one call after the other."""
        chance = random.Random(number)
        while self._left > 0:
            self._left -= 1
            kind = chance.choice(list(KINDS))
            before = self.restarts
            try:
                call_id = await self.api.place(*KINDS[kind], extension="212")
                self.kind_of[call_id] = kind
                await self.ended(call_id)
            except (aiohttp.ClientError, AssertionError):
                self._left += 1  # the service is being restarted
                await asyncio.sleep(0.2)  # as a client that waits a little
            else:
                if self.restarts == before:
                    self.undisturbed.add(call_id)

    async def ended(self, call_id: str) -> None:
        await eventually(lambda: self.api.calls("@self", call_id, ended="true"), timeout=20)

    async def restarter(self) -> None:
        """Half of the time kill -9, half of the time as an operator does."""
        for number in range(RESTARTS):
            left = CALLS - CALLS * (number + 1) // (RESTARTS + 1)
            await eventually(lambda left=left: self._left <= left, timeout=400)  # type: ignore[misc]
            self.restarts += 1
            await (self.lab.bridge.stop() if number % 2 else self.lab.bridge.kill())
            await self.lab.bridge.start()
            self.restarts += 1


async def test_given_500_calls_and_restarts_when_all_is_over_then_every_call_was_told_once(
    lab: RunningLab, receiver: Receiver
) -> None:
    async with lab.client() as api:
        await api.authenticate()
        ids = {
            kind: (await subscribe(api, PAYER, kind, receiver.url(f"/{kind}")))[0]
            for kind in (DIAL_OUT, ANSWER_OUTGOING, HANG_UP)
        }
        run = Run(lab, api)
        await asyncio.gather(run.restarter(), *(run.caller(x) for x in range(AT_ONCE)))
        await _no_live_calls(api)
        on_record = {kind: await _finished(api, kind, found) for kind, found in ids.items()}
        records = {x["id"]: x for x in await api.ended_calls("212")}

    assert len(run.kind_of) >= CALLS
    assert set(run.kind_of) <= set(records)
    told: defaultdict[str, list[str]] = defaultdict(list)
    for kind, found in on_record.items():
        assert [x["sequence"] for x in found] == list(range(1, len(found) + 1))
        assert {x["state"] for x in found} == {"delivered"}
        came = receiver.at(f"/{kind}")
        first_time = list({x.delivery_id: x for x in reversed(came)}.values())
        first_time.sort(key=lambda x: x.at_s)
        assert [x.sequence for x in first_time] == list(range(1, len(found) + 1))
        assert {x.delivery_id for x in came} == {x["id"] for x in found}
        for event in first_time:
            told[event.parameters["CallAPIID"]].append(event.parameters["CallStatus"])
    hang_ups = [x["phoneCallId"] for x in on_record[HANG_UP]]
    assert sorted(hang_ups) == sorted(records), "one hang-up for each call, and for no other"
    wrong = [
        (run.kind_of[x], told[x], records[x])
        for x in run.undisturbed
        if told[x] != EXPECTED[run.kind_of[x]]
    ]
    assert wrong == []
    assert len(run.undisturbed) > CALLS // 2


async def _no_live_calls(api: ApiClient) -> None:
    async def none() -> bool:
        return not await api.calls()

    await eventually(none, timeout=30)


async def _finished(api: ApiClient, kind: int, subscription_id: str) -> list[Any]:
    """All deliveries in order, once none waits."""
    found: list[Any] = []

    async def none_waits() -> bool:
        nonlocal found
        found = await deliveries(api, PAYER, kind, subscription_id, sortOrder="ascending")
        return all(x["state"] != "waiting" for x in found)

    await eventually(none_waits, timeout=30)
    return found
