"""The timeline of a call goes on after the service was stopped and started again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bridge.testing.lab.api_client import ApiClient

from .whole_service import whole_service

CALL = {"extension": "210", "phoneCallView": [{"source": ["210"], "destination": ["211"]}]}


async def entries(api: ApiClient, call_id: str) -> list[Any]:
    path = f"/uapi/phoneCalls/@me/@self/{call_id}/timeline"
    return list((await api.request("GET", path)).json["entry"])


async def test_given_a_live_call_when_the_service_starts_again_then_its_timeline_goes_on(
    tmp_path: Path,
) -> None:
    async with whole_service(tmp_path) as running, running.client() as api:
        created = await api.request("POST", "/uapi/phoneCalls/@me/simple", body=CALL)
        call_id = str(created.json[0]["id"])
        # No row of the call is written with this entry: the stop writes it.
        running.service.node.switchboard.timelines.digits_sent(call_id, "00", 4)
        before = await entries(api, call_id)
        assert [x["type"] for x in before] == ["accepted", "digitsSent"]
    async with whole_service(tmp_path) as running, running.client() as api:
        await api.wait_ended(call_id)  # the PBX has no channel of it any more
        after = await entries(api, call_id)
    assert after[:2] == before
    assert [x["type"] for x in after[2:]] == ["resumed", "ended"]
    assert after[-1]["reason"]
