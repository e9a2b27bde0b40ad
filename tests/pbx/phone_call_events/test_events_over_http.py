"""What a receiver gets of a real call, and what the API then says of the deliveries."""

from __future__ import annotations

import pytest

from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.sipp_behaviour import rings
from bridge.testing.webhook_receiver import PARAMETERS, Receiver, fine, refusing

from .subscriber import (
    ANSWER_INCOMING,
    DIAL_IN,
    DIAL_OUT,
    HANG_UP,
    deliveries,
    events_path,
    subscribe,
    wait_delivered,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_given_call_of_the_api_when_events_come_then_the_ten_parameters_tell_of_it(
    lab: RunningLab, api: ApiClient, receiver: Receiver
) -> None:
    await subscribe(api, "210", DIAL_OUT, receiver.url("/out?own=1"), method=0)
    await subscribe(api, "211", DIAL_IN, receiver.url("/in"))
    async with lab.phone("0003*210", answer="auto"), lab.scripted("0003*211", rings()):
        view = {"callerId": "Source <111>", "callerIdDestination": "Ján Žižka <4242425>"}
        call_id = await api.place(["210"], ["211"], view=view)
        await receiver.wait_count(1, "/out")
        await receiver.wait_count(1, "/in")
        await api.hang_up("210", call_id)
    [out], [came_in] = receiver.at("/out"), receiver.at("/in")
    assert (out.method, came_in.method) == ("GET", "POST")
    common = {
        "CallID": call_id,
        "CalledDID": "5550003211",
        "CalledExtension": "0003*211",
        "CallStatus": "CALLING",
        "CallerExtension": "0003*210",
        "CalledNumber": "0003*211",
        "CallAPIID": call_id,
    }
    calling = {"CallFlow": "out", "CallerIDNum": "0003*210", "CallerIDName": "210"}
    called = {"CallFlow": "in", "CallerIDNum": "4242425", "CallerIDName": "Ján Žižka"}
    assert out.parameters == {"own": "1", **common, **calling}
    assert came_in.parameters == {**common, **called}
    assert tuple(came_in.parameters) == PARAMETERS


async def test_given_call_from_the_trunk_when_answered_then_caller_and_number_are_told(
    lab: RunningLab, api: ApiClient, receiver: Receiver
) -> None:
    await subscribe(api, "211", ANSWER_INCOMING, receiver.url())
    async with lab.phone("0003*211", answer="auto") as bob:
        await lab.asterisk.call_in(
            "5550003211", caller_number="3235550199", caller_name="Zoë & Co = 100%+"
        )
        await bob.wait_established()
        await receiver.wait_count(1)
        [live] = await api.calls()
    parameters = receiver.received[0].parameters
    assert parameters.pop("CallID")
    assert parameters == {
        "CallerIDNum": "3235550199",
        "CallerIDName": "Zoë & Co = 100%+",
        "CalledDID": "5550003211",
        "CalledExtension": "0003*211",
        "CallStatus": "ANSWER",
        "CallFlow": "in",
        "CallerExtension": "",
        "CalledNumber": "0003*211",
        "CallAPIID": live["id"],
    }


async def test_given_phone_dialling_a_short_number_when_it_does_then_the_called_one_is_told(
    lab: RunningLab, api: ApiClient, receiver: Receiver
) -> None:
    await subscribe(api, "210", DIAL_OUT, receiver.url())
    async with lab.phone("0003*210") as alice, lab.scripted("0003*211", rings()):
        await alice.dial("211")
        await receiver.wait_count(1)
        await alice.hangup()
    parameters = receiver.received[0].parameters
    assert parameters["CalledNumber"] == "0003*211"
    assert parameters["CalledExtension"] == "0003*211"
    assert parameters["CalledDID"] == "5550003211"
    assert parameters["CallerExtension"] == "0003*210"
    assert (parameters["CallerIDNum"], parameters["CallerIDName"]) == ("0003*210", "210")


async def test_given_failing_receiver_when_deliveries_are_listed_then_attempts_and_reason_show(
    lab: RunningLab, api: ApiClient, receiver: Receiver
) -> None:
    receiver.mood = refusing(500)
    event_id, _ = await subscribe(api, "212", HANG_UP, receiver.url("/hook"))
    path = events_path("212", HANG_UP, event_id, "deliveries")
    assert (await api.request("GET", path)).json["entry"] == []
    calls = []
    for _ in range(2):
        call_id = await api.place(["3235550486"], ["3235550200"], extension="212")
        await api.wait_ended(call_id)
        calls.append(call_id)
    await receiver.wait_count(3, "/hook")
    newest, oldest = await deliveries(api, "212", HANG_UP, event_id)
    assert [x["phoneCallId"] for x in (newest, oldest)] == calls[::-1]
    assert (newest["sequence"], newest["attempts"], newest["state"]) == (2, 0, "waiting")
    assert (oldest["sequence"], oldest["state"], oldest["status"]) == (1, "waiting", 500)
    assert oldest["error"] == "the receiver answered 500"
    assert oldest["attempts"] >= 2
    assert oldest["duration"] >= 0
    assert oldest["nextAttempt"]
    assert oldest["request"].startswith(f"POST {receiver.url('/hook')}\nCallID={calls[0]}")

    receiver.mood = fine
    await receiver.wait(lambda: {x.sequence for x in receiver.received} == {1, 2})
    first = await api.request("GET", path + "/", params={"count": "1", "sortOrder": "ascending"})
    assert first.json["totalResults"] == 2
    assert first.json["entry"][0]["sequence"] == 1
    assert "startIndex=1" in first.json["paging"]["next"]


async def test_given_delivered_event_when_retried_over_the_api_then_it_comes_again(
    lab: RunningLab, api: ApiClient, receiver: Receiver
) -> None:
    event_id, _ = await subscribe(api, "212", HANG_UP, receiver.url())
    await api.wait_ended(await api.place(["3235550486"], ["3235550200"], extension="212"))
    await receiver.wait_count(1)
    [delivery] = await wait_delivered(api, "212", HANG_UP, event_id)
    path = events_path("212", HANG_UP, event_id, "deliveries", delivery["id"], "retry")
    answer = await api.request("POST", path + "/")
    assert (answer.status, answer.json["state"]) == (202, "waiting")
    await receiver.wait_count(2)
    first, again = receiver.received
    assert (again.delivery_id, again.sequence) == (first.delivery_id, first.sequence)
    assert (first.attempt, again.attempt) == (1, 2)
    assert again.parameters == first.parameters
    await api.request("PUT", events_path("212", HANG_UP, event_id), body={"status": 0})
    refused = await api.request("POST", path)
    assert (refused.status, refused.code) == (400, "pce_status_invalid")
