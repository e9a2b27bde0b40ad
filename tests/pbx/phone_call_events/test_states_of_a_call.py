"""`statusUrl` and `metadata` of a real call, beside one subscription to all types."""

from __future__ import annotations

import pytest
from standardwebhooks import Webhook

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.webhook_receiver import Receiver

from .subscriber import try_subscribe

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_given_status_url_when_two_phones_talk_then_each_state_is_posted_in_order(
    lab: RunningLab, api: ApiClient, receiver: Receiver
) -> None:
    made = await try_subscribe(
        api, "211", type="0,1,2,3,4", url=receiver.url("/all"), method=1, format="json"
    )
    assert made.status == 200, made.text
    body = {
        "extension": "210",
        "phoneCallView": [{"source": ["210"], "destination": ["211"]}],
        "metadata": {"ticket": 4711},
        "statusUrl": receiver.url("/call"),
    }
    async with lab.phone("0003*210", answer="auto"), lab.phone("0003*211", answer="auto") as bob:
        created = await api.request("POST", "/uapi/phoneCalls/@me/simple", body=body)
        call_id = created.json[0]["id"]
        await bob.wait_established()
        await api.hang_up("210", call_id)
        await receiver.wait(lambda: receiver.at("/call")[-1:] != [] and _ended(receiver))
        await receiver.wait_count(3, "/all")
    sent = receiver.at("/call")
    for each in sent:
        Webhook(created.headers["X-Event-Secret"]).verify(each.body, each.headers)
    states = [x.json for x in sent]
    assert [x["sequence"] for x in states] == list(range(1, len(states) + 1))
    assert {x["phoneCallId"] for x in states} == {call_id}
    assert [x["metadata"] for x in states] == [{"ticket": 4711}] * len(states)
    told = [(x["state"], x.get("party", {}).get("extension")) for x in states]
    # A phone that answers at once may not ring before.
    kept = [x for x in told if x[0] not in ("ringing", "left")]
    assert kept == [
        ("dialling", "0003*210"),
        ("answered", "0003*210"),
        ("dialling", "0003*211"),
        ("answered", "0003*211"),
        ("connected", None),
        ("ended", None),
    ]
    assert (states[-1]["disposition"], states[-1]["endedBy"]) == (0, "api")
    assert states[-1]["durationMs"] > 0
    events = [x.json for x in receiver.at("/all")]
    assert [x["type"] for x in events] == ["0", "3", "2"]
    assert [x["metadata"] for x in events] == [{"ticket": 4711}] * 3
    order = [x["extensionSequence"] for x in events]
    assert order == sorted(set(order))


def _ended(receiver: Receiver) -> bool:
    return bool(receiver.at("/call")[-1].json["state"] == "ended")
