"""The database cannot be written for a while: no new call, and every call still ends, once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.integration.storage.test_database_down import locked
from tests.pbx.calls.limited_lab import open_limited_lab
from tests.pbx.calls.live_calls import wait_no_calls

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningLab]:
    async with open_limited_lab(tmp_path_factory.mktemp("storage")) as lab:
        yield lab


@pytest_asyncio.fixture(loop_scope="session")
async def api(lab: RunningLab) -> AsyncIterator[ApiClient]:
    async with lab.client() as client:
        yield client
        await client.leave_no_call()


async def test_given_a_database_that_cannot_be_written_when_calls_end_then_nothing_is_lost(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as alice,
        lab.phone("0003*211", answer="auto") as bob,
    ):
        first = await api.place(["210"], ["211"])
        await api.wait_status(first, 5)
        with locked(f"sqlite:///{lab.bridge.state_dir / 'bridge.db'}"):
            refused = await api.create(["210"], ["211"])

            assert (refused.status, refused.code) == (503, "storage_unavailable")
            ready = await api.request("GET", "/health/ready")
            assert (ready.status, ready.code) == (503, "storage_unavailable")
            why = ready.json["storage"].pop("why")
            assert ready.json["storage"] == {"up": False}
            assert why.endswith("bridge.db: database is locked")
            assert ready.json["pbx"]["up"] is True
            assert (await api.hang_up("210", first)).json == [{"id": first}]
            await alice.wait_closed()
            await bob.wait_closed()
            await wait_no_calls(api)
        record = await api.wait_ended(first, time_limit_s=40)
        assert (record["endedBy"], record["disposition"]) == ("api", 0)

        second = await api.place(["210"], ["211"])
        await api.wait_status(second, 5)
        ready = await api.request("GET", "/health/ready")
        assert (ready.status, ready.json["storage"]) == (200, {"up": True, "why": ""})
        assert bob.incoming_invites == 2, "the call that was refused has rung"
