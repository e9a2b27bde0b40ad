"""Requests at an instance that does not hold the PBX."""

from __future__ import annotations

from pathlib import Path

from tests.cluster.several_instances import several_instances

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
