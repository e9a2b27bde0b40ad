"""Calls of one extension on two PBXs, each held by another instance; asked at a third."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from bridge.calls.state.phone_call import Disposition, EndedBy, FinalRecord, PhoneCall
from bridge.clock import now_ms
from bridge.testing.lab.api_client import ApiClient
from tests.cluster.several_instances import Several, several_instances
from tests.scripted_ami.server import channel
from tests.unit.calls.fakes import accepted

PHONE = "210"
LIST = f"/uapi/phoneCalls/@me/{PHONE}"


@asynccontextmanager
async def two_pbxs(folder: Path, database_url: str) -> AsyncIterator[tuple[Several, ApiClient]]:
    """`one` is held by a, `two` by b; the client asks c. Six calls of 210, three on each."""
    async with several_instances(
        folder, database_url, names=("a", "b", "c"), pbx_names=("one", "two")
    ) as several:
        for number in range(6):
            pbx = ("one", "two")[number % 2]
            await several.store("c", _call(number, pbx))
            several.amis[pbx].channels.append(
                channel(f"PJSIP/0003*210-{number:08x}", f"{number:020d}")
            )
        # As after a restart: the nodes take up the calls that are on disk.
        await several.hold("one", "a")
        await several.hold("two", "b")
        yield several, await several.client("c")


def _call(number: int, pbx: str) -> PhoneCall:
    now = accepted()
    call_id = f"{number:020d}"
    began_ms = now.published_ms + number  # several within a second: the id tells them apart
    return replace(now, id=call_id, linkedid=call_id, pbx=pbx, published_ms=began_ms)


async def test_a_list_is_merged_paged_and_filtered(tmp_path: Path, postgresql_url: str) -> None:
    async with two_pbxs(tmp_path, postgresql_url) as (several, client):
        everything = await client.request("GET", LIST)
        ids = [x["id"] for x in everything.json["entry"]]
        assert ids == [f"{x:020d}" for x in range(6)]
        assert "X-Stale-Nodes" not in everything.headers
        newest = await client.request("GET", LIST, params={"sortOrder": "desc", "count": "2"})
        assert [x["id"] for x in newest.json["entry"]] == ids[:-3:-1]
        # By cursors, also while one holder is silent: no call twice, none left out.
        seen: list[str] = []
        page = await client.request("GET", LIST, params={"count": "2", "cursor": ""})
        several.relays["b"].freeze_to_server()
        while True:
            seen += [x["id"] for x in page.json["entry"]]
            if "Link" not in page.headers:
                break
            link = page.headers["Link"]
            page = await client.request("GET", link[link.index("<") + 1 : link.index(">")])
            assert page.headers["X-Stale-Nodes"] == "two"
        assert seen == ids
        several.relays["b"].thaw()
        filtered = await client.request(
            "GET", LIST, params={"filterBy": "id", "filterOp": "inArray", "filterValue": ids[3]}
        )
        assert [x["id"] for x in filtered.json["entry"]] == [ids[3]]
        assert "X-Stale-Nodes" not in filtered.headers
        # One call is asked of its own holder.
        one = await client.request("GET", f"{LIST}/{ids[1]}")
        assert [x["id"] for x in one.json["entry"]] == [ids[1]]


async def test_a_frozen_holder_holds_no_list_up(tmp_path: Path, postgresql_url: str) -> None:
    async with two_pbxs(tmp_path, postgresql_url) as (several, client):
        await client.authenticate()
        several.relays["a"].freeze_to_server()
        began_s = asyncio.get_running_loop().time()
        lists = await asyncio.gather(*(client.request("GET", LIST) for _ in range(10)))
        # Within a second, on a machine without other work; nobody waits for the holder.
        assert asyncio.get_running_loop().time() - began_s < 4
        for listed in lists:
            assert len(listed.json["entry"]) == 6
            assert listed.headers["X-Stale-Nodes"] == "one"
        # A DELETE of a call there cannot be promised; of the others it is done.
        refused, done = await asyncio.gather(
            client.request("DELETE", f"{LIST}/{0:020d}"),
            client.request("DELETE", f"{LIST}/{1:020d}"),
        )
        assert (refused.status, refused.headers["Retry-After"]) == (503, "2")
        assert done.status == 200


async def test_a_delete_of_all_ends_them_at_each_holder(
    tmp_path: Path, postgresql_url: str
) -> None:
    async with two_pbxs(tmp_path, postgresql_url) as (several, client):
        ended = await client.request("DELETE", LIST)
        assert sorted(x["id"] for x in ended.json) == [f"{x:020d}" for x in range(6)]
        marked = [*several.live_calls("a", "one"), *several.live_calls("b", "two")]
        assert all(x.hang_up is not None for x in marked)
        action = await client.request("PUT", LIST, body={"action": "OnHold"})
        assert (action.status, action.code) in {(409, "pc_action_failed")}


async def test_ended_calls_are_listed_once_their_holders_have_written_them(
    tmp_path: Path, postgresql_url: str
) -> None:
    async with two_pbxs(tmp_path, postgresql_url) as (several, client):
        await client.authenticate()
        for name, pbx in (("a", "one"), ("b", "two")):
            # No channel of these calls is there: as after ORIGINATE_GRACE_S.
            switchboard = several.instances[name].nodes[pbx].switchboard
            for call in several.live_calls(name, pbx):
                final = FinalRecord(now_ms(), Disposition.FAILED, EndedBy.PBX, "lost")
                switchboard.end(call.id, final)
        listed = await client.request("GET", LIST, params={"ended": "true"})
        assert len(listed.json["entry"]) == 6


async def test_an_id_that_no_database_takes_is_an_invalid_id(
    tmp_path: Path, postgresql_url: str
) -> None:
    """PostgreSQL refuses a text with NUL, which must not look as if it were down."""
    async with two_pbxs(tmp_path, postgresql_url) as (_, client):
        listed = await client.request("GET", f"{LIST}/%00")
        assert (listed.status, listed.json["entry"]) == (200, [])
        deleted = await client.request("DELETE", f"{LIST}/%00")
        assert (deleted.status, deleted.code) == (400, "pc_phoncall_invalid")
