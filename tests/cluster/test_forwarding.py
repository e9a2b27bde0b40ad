"""Requests at an instance that does not hold the PBX."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bridge.calls.state.phone_call import Disposition, EndedBy, FinalRecord
from bridge.calls.store.call_store import CallStore
from bridge.clock import now_ms
from tests.cluster.several_instances import several_instances
from tests.unit.calls.fakes import accepted

PHONE, PUBLIC = "210", "3235742879"


async def test_a_create_and_its_call_at_another_instance(
    tmp_path: Path, postgresql_url: str
) -> None:
    async with several_instances(tmp_path, postgresql_url) as several:
        await several.hold("one", "a")
        at_b = await several.client("b")
        created = await at_b.create(["5354353"], [PUBLIC], extension=PHONE)
        assert created.status == 202, created.text
        assert several.originates("one") == 1
        call_id = created.json[0]["id"]
        assert created.json[0]["links"]["self"].startswith(several.base_url("b"))
        listed = await at_b.request("GET", f"/uapi/phoneCalls/@me/{PHONE}")
        assert [x["id"] for x in listed.json["entry"]] == [call_id]
        assert "X-Stale-Since" not in listed.headers
        ended = await at_b.request("DELETE", f"/uapi/phoneCalls/@me/{PHONE}/{call_id}")
        assert ended.status == 200
        assert [x["id"] for x in ended.json] == [call_id]


async def test_given_nobody_holds_the_pbx_then_the_timeline_of_an_ended_call_is_told(
    tmp_path: Path, postgresql_url: str
) -> None:
    async with several_instances(tmp_path, postgresql_url, names=("a",)) as several:
        service = several.instances["a"]
        live = replace(accepted(), pbx="one", published_ms=now_ms() - 1000)
        final = FinalRecord(now_ms(), Disposition.NO_ANSWER, EndedBy.PBX, "")
        store = CallStore(service.engine, service.write_queue)
        await store.accept(live)
        store.finish_later(replace(live, final=final))
        await service.write_queue.caught_up()
        client = await several.client("a")
        path = f"/uapi/phoneCalls/@me/{PHONE}/{live.id}/timeline"
        told = await client.request("GET", path)
        assert told.status == 200, told.text
        unknown = await client.request("GET", path.replace(live.id, "0" * 20))
        assert unknown.status == 503
