"""A PBX dies, freezes, or is drained: its organizations go on at another one."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bridge.testing.eventually import eventually
from bridge.testing.lab.free_port import free_http_port
from bridge.testing.softphones.ports import free_port
from tests.integration.storage.private_postgresql import PrivatePostgresql

from .calls_of_cluster import final_of
from .lab.whole_cluster import open_whole_cluster
from .pbx_faults import ORGANIZATION, PUBLIC, QUICK, PbxFaults

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = {"Idempotency-Key": "of a call on a PBX that dies"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def faults(
    postgresql: PrivatePostgresql, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[PbxFaults]:
    async with open_whole_cluster(
        tmp_path_factory.mktemp("short"),
        postgresql,
        nodes=2,
        instances=2,
        edge_port=free_port(),
        http_port=free_http_port(),
        settings=QUICK,
    ) as whole:
        yield PbxFaults(whole)


async def test_given_a_draining_pbx_then_its_call_stays_and_new_calls_go_to_the_other(
    faults: PbxFaults,
) -> None:
    await faults.settled()
    first = await faults.home()
    async with faults.whole.client() as api:
        old = await api.place(*PUBLIC, extension="210")
        await api.wait_status(old, 5)
        code, out, err = await faults.command("drain", first, "--within-s", "0")
        assert (code, out) == (1, "")
        assert err == (
            f"{first} still has organizations: 0, live calls: 1. It goes on draining until: "
            f"uapi-bridge cluster node return {first}\n"
        )
        new = await api.place(*PUBLIC, extension="210")
        second = await faults.pbx_of(new)
        assert second == await faults.home() != first
        assert {x["id"] for x in await api.calls()} == {old, new}
        await api.wait_status(old, 5)

        code, out, err = await faults.command("drain", second, "--within-s", "0")
        assert (code, out) == (1, "")
        assert "live calls: 1; no PBX can take organizations now" in err
        assert f"{first} is draining" in err
        assert (await faults.command("return", second))[0] == 0

        await api.leave_no_call()
        code, out, err = await faults.command("drain", first)
        assert (code, err) == (0, "")
        assert out == f"{first} has no organization and no live call any more\n"
        code, out, _ = await faults.command("return", first)
        assert (code, out) == (
            0,
            f"{first} is in use again; organizations that have moved stay where they are\n",
        )
        assert await faults.home() == second
        code, _, err = await faults.command("drain", "nothing")
        assert (code, err) == (1, "there is no PBX nothing\n")
        query = "SELECT version FROM placements WHERE organization = $1"
        assert (await faults.whole.rows(query, ORGANIZATION))[0]["version"] >= 2


async def test_given_a_frozen_pbx_when_it_thaws_then_its_call_goes_on_and_is_ended_there(
    faults: PbxFaults,
) -> None:
    await faults.settled()
    first, [one, other] = await faults.home(), faults.whole.instances
    async with faults.whole.client() as api:
        api.base_url = one.base_url
        old = await api.place(*PUBLIC, extension="210")
        await api.wait_status(old, 5)
        faults.hit(first, signal.SIGSTOP)
        try:
            # Written to a PBX that nobody knows to be frozen. It is dialled there, late, or never.
            late = await api.place(*PUBLIC, extension="210")
            await faults.moved_from(first)
            new = await faults.placed_at(api, other.base_url)
        finally:
            faults.hit(first, signal.SIGCONT)
        assert [await faults.pbx_of(x) for x in (old, late)] == [first, first]
        assert await faults.pbx_of(new) != first

        async def ended() -> bool:
            return (await api.hang_up("210")).status in (200, 204)

        await eventually(ended, 30)
        for call_id in (old, late, new):
            await api.wait_ended(call_id, 30)
            assert faults.ends_logged(call_id) == 1


async def test_given_a_killed_pbx_when_it_is_back_then_each_call_ended_once_and_nothing_moved_back(
    faults: PbxFaults,
) -> None:
    await faults.settled()
    first, instances = await faults.home(), faults.whole.instances
    async with (
        faults.whole.softphone("0003*210"),
        faults.whole.softphone("0003*211"),
        faults.whole.client() as api,
    ):
        api.base_url = instances[0].base_url
        before = await api.create(*PUBLIC, extension="210", headers=KEY)
        old = before.json[0]["id"]
        await api.wait_status(old, 5)
        faults.hit(first, signal.SIGKILL)
        await faults.node(first).pbx.ended()

        new = await faults.placed_at(api, instances[1].base_url)
        second = await faults.pbx_of(new)
        assert second == await faults.home() != first
        ringing = await api.place("210", "211")  # through the edge
        await api.wait_status(ringing, 5)
        for instance in instances:
            api.base_url = instance.base_url
            listed = await api.request("GET", "/uapi/phoneCalls/@me/@self")
            assert {x["id"] for x in listed.json["entry"]} == {old, new, ringing}
            assert listed.headers["X-Stale-Nodes"] == first
            again = await api.create(*PUBLIC, extension="210", headers=KEY)
            assert (again.status, again.json) == (before.status, before.json)
            deleted = await api.hang_up("210", old)
            assert (deleted.status, deleted.code) == (503, "pbx_unavailable")
        # What can be ended is ended, though nobody can say the same of the old call.
        assert (await api.hang_up("210")).status == 503
        await api.wait_ended(new)
        await api.wait_ended(ringing)

        await faults.node(first).start()
        await api.wait_ended(old, 30)
        [row] = await faults.whole.rows("SELECT document FROM calls WHERE id = $1", old)
        assert final_of(row)["reason"] == "lost while disconnected"
        assert faults.ends_logged(old) == 1
        assert await faults.home() == second
