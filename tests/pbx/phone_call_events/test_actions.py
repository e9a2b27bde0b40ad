"""The events of calls that actions make for a phone: it calls, and is told of its own call."""

from __future__ import annotations

import pytest

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.webhook_receiver import Receiver
from tests.pbx.calls.live_calls import statuses

from .all_events import AllEvents
from .situation import CALLED, CALLER, called

pytestmark = pytest.mark.asyncio(loop_scope="session")

EXTENSIONS = ("0003*210", "0003*211", "0003*212")


async def _acts(api: ApiClient, call_id: str, action: str) -> str:
    answer = await api.request(
        "PUT",
        f"/uapi/phoneCalls/@me/210/{call_id}",
        body={"action": action, "phoneCallViewId": "00", "sendCallTo": "212"},
    )
    assert answer.status == 200, answer.text
    return str(answer.json["id"])


async def test_given_a_phone_that_listens_when_over_then_only_it_is_told_of_that(
    lab: RunningLab, api: ApiClient, receiver: Receiver
) -> None:
    events = AllEvents(api, receiver, EXTENSIONS)
    await events.subscribe()
    async with (
        lab.phone("0003*210", answer="auto"),
        lab.phone("0003*211", answer="auto"),
        lab.phone("0003*212", answer="auto"),
    ):
        call_id = await api.place(["210"], ["211"])
        await api.wait_status(call_id, 5)
        listener = await _acts(api, call_id, "Monitor")
        await api.hang_up("210", call_id)
        await api.wait_ended(call_id)
        await api.wait_ended(listener)
    assert await events.told(listener) == {"212": CALLER}
    assert await events.told(call_id) == {"210": CALLER, "211": CALLED}
    of_listener = [x.parameters for x in receiver.received if x.parameters["CallAPIID"] == listener]
    assert {x["CalledNumber"] for x in of_listener} == {""}


async def test_given_a_phone_that_picks_up_when_over_then_each_is_told_of_its_own_part(
    lab: RunningLab, api: ApiClient, receiver: Receiver
) -> None:
    async def joined() -> set[str]:
        ended = await api.ended_calls("212")
        return {x["id"] for x in ended if x.get("reason", "").startswith("joined")}

    of_before = await joined()
    events = AllEvents(api, receiver, EXTENSIONS)
    await events.subscribe()
    async with (
        lab.phone("0003*210", answer="auto"),
        lab.phone("0003*211") as bob,
        lab.phone("0003*212", answer="auto") as boss,
    ):
        call_id = await api.place(["210"], ["211"])
        await bob.wait_ringing()
        await api.wait_status(call_id, 4)
        assert await _acts(api, call_id, "PickUp") == call_id

        async def new_one() -> str | None:
            return next(iter(await joined() - of_before), None)

        of_boss = await eventually(new_one)
        await boss.hangup()
        await api.wait_ended(call_id)
    assert await events.told(call_id) == {"210": CALLER, "211": called("CANCEL")}
    told = await events.told(of_boss)
    assert told["212"] == ["answer incoming ANSWER", "dial-out CALLING", "hang-up ANSWER"]


async def test_given_a_parked_call_that_comes_back_when_over_then_who_parked_was_rung_twice(
    lab: RunningLab, api: ApiClient, receiver: Receiver
) -> None:
    events = AllEvents(api, receiver, EXTENSIONS)
    await events.subscribe()
    async with (
        lab.phone("0003*210", answer="auto") as alice,
        lab.phone("0003*211", answer="auto") as bob,
    ):
        call_id = await api.place(["210"], ["211"])
        await api.wait_status(call_id, 5)
        bob.answer = "manual"
        body = {"action": "Park", "phoneCallViewId": "01", "maxInParking": 1}
        answer = await api.request("PUT", f"/uapi/phoneCalls/@me/210/{call_id}", body=body)
        assert answer.status == 200, answer.text
        await bob.wait_closed()
        await api.wait_call(call_id, lambda x: statuses(x) == [4, 3])
        await bob.accept()
        await api.wait_call(call_id, lambda x: statuses(x) == [5, 5])
        await alice.hangup()
        await api.wait_ended(call_id)
    twice = ["answer incoming ANSWER", "dial-in CALLING"] * 2
    assert await events.told(call_id) == {"210": CALLER, "211": sorted([*twice, "hang-up ANSWER"])}
