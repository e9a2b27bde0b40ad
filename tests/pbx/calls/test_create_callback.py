"""POST …/callback: two public numbers are connected, and the Callback extension pays."""

from __future__ import annotations

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.pbx.calls.live_calls import wait_statuses

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALLED, ANSWERS = "3235550202", "3235550201"
BODY = {
    "extension": "0003*600",
    "phoneCallView": [{"source": [CALLED], "destination": [ANSWERS], "callerId": "Back <4242425>"}],
    "nonce": "MTE5MjQzOTk5",
}


async def test_given_two_public_numbers_when_called_back_then_they_talk_and_600_pays(
    lab: RunningLab, api: ApiClient
) -> None:
    path = "/uapi/phoneCalls/@me/callback/"
    query = {"waitForPickup": "20", "callDuration": "60"}
    headers = {"Idempotency-Key": "callback-1"}
    answer = await api.request("POST", path, params=query, body=BODY, headers=headers)
    assert answer.status == 202, answer.text
    [created] = answer.json
    assert (created["extension"], created["nonce"]) == ("0003*600", "MTE5MjQzOTk5")
    again = await api.request("POST", path, params=query, body=BODY, headers=headers)
    assert (again.json, again.headers["Idempotent-Replayed"]) == (answer.json, "true")

    call = await wait_statuses(api, created["id"], 5, 5)
    assert [x["id"] for x in await api.calls("0003*600")] == [created["id"]]
    assert (call["extension"], call["phoneCallView"][0]["flow"]) == ("0003*600", 4)
    assert call["phoneCallView"][0]["callerId"] == "Back <4242425>"
    await api.hang_up("0003*600", created["id"])
    record = await api.wait_ended(created["id"])
    assert (record["disposition"], record["endedBy"]) == (0, "api")

    # what a report shows of it
    query = {"filterBy": "id", "filterValue": created["id"]}
    answer = await api.request("GET", "/uapi/cdr/@me", params=query)
    [view] = answer.json["entry"][created["id"]]["phoneCallView"]
    assert (view["source"], view["destination"], view["disposition"]) == (CALLED, ANSWERS, 0)
    assert view["duration"] == (record["endedMs"] - record["answeredMs"]) // 1000
