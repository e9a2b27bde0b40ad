"""Actions on an Asterisk as people bring it, the newest and the oldest: ring groups, parking."""

from __future__ import annotations

import asyncio

import pytest

from bridge.testing.eventually import eventually

from .at_an_office import At, short

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_given_a_talk_through_a_ring_group_when_listened_to_then_the_listener_ends_with_it(
    at: At,
) -> None:
    call = await at.talk("601")
    at.phone("213").answers_after_s = 0.05

    answer = await at.act(call["id"], "BargeIn", "213", view=call["phoneCallView"][1]["id"])

    assert answer.status == 200, answer.text
    assert answer.json["actsOn"]["phoneCallId"] == call["id"]
    await at.api.hang_up("@self", call["id"])
    await at.phone("213").free()
    record = await at.api.wait_ended(answer.json["id"])
    assert (record["disposition"], record["endedBy"]) == (0, "other call")


@pytest.mark.parametrize("dialled", ["211", "600", "601"])
async def test_given_a_call_that_rings_in_a_group_when_picked_up_then_one_call_remains(
    at: At, dialled: str
) -> None:
    await at.phone("210").dial(dialled)
    await at.phone("211").ringing()
    seen = {"210": 4, "211": 3} | ({} if dialled == "211" else {"212": 3})
    call = await at.call(seen)
    at.phone("213").answers_after_s = 0.05

    answer = await at.act(call["id"], "PickUp", "213")

    assert answer.status == 200, answer.text
    assert answer.json["id"] == call["id"]
    await at.phone("211").free()
    await at.phone("212").free()
    await at.call({"210": 5, "213": 5})
    await at.api.hang_up("@self", call["id"])
    await at.phone("210").free()
    await at.phone("213").free()
    record = await at.api.wait_ended(call["id"])
    assert (record["disposition"], record["endedBy"]) == (0, "api")


async def test_given_a_parked_call_when_fetched_then_the_phone_talks_to_the_parked_party(
    at: At,
) -> None:
    call = await at.talk()
    await at.park()
    parked = await at.call({"210": 5})
    assert parked["phoneCallView"][0]["destination"][0].startswith("70")
    at.phone("212").answers_after_s = 0.05

    answer = await at.act(call["id"], "UnPark", "212")

    assert answer.status == 200, answer.text
    assert answer.json["id"] == call["id"]
    await at.call({"210": 5, "212": 5})
    [record] = [
        x
        for x in await at.api.ended_calls()
        if "actsOn" in x and x["actsOn"]["phoneCallId"] == call["id"]
    ]
    assert record["reason"] == f"joined call {call['id']}"
    await at.phone("212").calls[-1].hang_up()
    await at.phone("210").free()
    ended = await at.api.wait_ended(call["id"])
    assert (ended["disposition"], ended["endedBy"]) == (0, "destination")


@pytest.mark.parametrize("dialled", ["211", "600", "601"])
async def test_given_a_talk_when_the_app_parks_a_party_then_a_phone_can_fetch_it(
    at: At, dialled: str
) -> None:
    call = await at.talk(dialled)
    await at.has_parked(call)
    parked = await at.call({"210": 5})
    [view] = parked["phoneCallView"]
    assert 701 <= view["parkedPos"] <= 720
    assert short({"extension": view["parkedBy"]}) == "211"
    await at.phone("211").free()
    at.phone("212").answers_after_s = 0.05

    answer = await at.act(call["id"], "UnPark", "212", view=view["id"])

    assert answer.status == 200, answer.text
    assert answer.json["id"] == call["id"]
    talks = await at.call({"210": 5, "212": 5})
    assert not any("parked" in x for x in talks["phoneCallView"])
    await at.phone("212").calls[-1].hang_up()
    await at.phone("210").free()
    ended = await at.api.wait_ended(call["id"])
    assert (ended["disposition"], ended["endedBy"]) == (0, "destination")


@pytest.mark.parametrize("dialled", ["211", "601"])
async def test_given_a_party_that_the_app_has_parked_when_its_time_is_over_then_the_phone_rings(
    at: At, dialled: str
) -> None:
    call = await at.talk(dialled)
    at.phone("211").answers_after_s = None
    await at.has_parked(call, at_most_s=1)
    ringing = await at.phone("211").ringing()
    await at.call({"210": 4, "211": 3})
    await ringing.accept()
    await at.call({"210": 5, "211": 5})
    await at.phone("210").calls[-1].hang_up()
    await at.phone("211").free()
    ended = await at.api.wait_ended(call["id"])
    assert (ended["disposition"], ended["endedBy"]) == (0, "source")


async def test_given_a_party_that_is_parked_while_the_service_is_away_then_it_can_be_fetched(
    at: At,
) -> None:
    call = await at.talk()
    await at.office.bridge.kill()
    await at.crm_parks("210", "211")
    await at.phone("211").free()
    await at.office.bridge.start()
    parked = await at.api.wait_call(call["id"], lambda x: "parked" in x["phoneCallView"][0])
    [view] = parked["phoneCallView"]
    assert (short(view), short({"extension": view["parkedBy"]})) == ("210", "211")
    at.phone("212").answers_after_s = 0.05

    answer = await at.act(call["id"], "UnPark", "212")

    assert answer.status == 200, answer.text
    await at.call({"210": 5, "212": 5})


async def test_given_a_parked_call_that_somebody_else_fetches_then_the_action_says_so(
    at: At,
) -> None:
    call = await at.talk()
    await at.park()
    parked = await at.call({"210": 5})
    asked = asyncio.create_task(at.act(call["id"], "UnPark", "212"))
    await at.phone("212").ringing()

    await at.phone("213").dial(parked["phoneCallView"][0]["destination"][0])

    answer = await asked
    assert (answer.status, answer.code) == (409, "pc_action_failed")
    assert "not parked any more" in answer.message
    await at.phone("212").free()
    await at.call({"210": 5, "213": 5})


async def test_given_a_service_that_restarts_while_the_phone_rings_then_it_fetches_all_the_same(
    at: At,
) -> None:
    call = await at.talk()
    await at.park()
    await at.call({"210": 5})
    asked = asyncio.create_task(at.act(call["id"], "UnPark", "212"))
    ringing = await at.phone("212").ringing()
    await at.office.bridge.kill()
    with pytest.raises(Exception):  # noqa: B017, PT011 - the connection is gone
        await asked
    await ringing.accept()
    await at.office.bridge.start()
    await at.call({"210": 5, "212": 5})
    assert (await at.api.hang_up("@self", call["id"])).json == [{"id": call["id"]}]
    await at.phone("210").free()
    await at.phone("212").free()


@pytest.mark.parametrize("party", ["hangs up", "is fetched"])
async def test_given_a_place_that_has_somebody_else_when_the_phone_answers_then_it_has_nobody(
    at: At, party: str
) -> None:
    call = await at.talk()
    await at.has_parked(call)
    [view] = (await at.call({"210": 5}))["phoneCallView"]
    asked = asyncio.create_task(at.act(call["id"], "UnPark", "212"))
    ringing = await at.phone("212").ringing()
    await at.office.bridge.kill()
    with pytest.raises(Exception):  # noqa: B017, PT011 - the connection is gone
        await asked
    if party == "hangs up":
        await at.phone("210").calls[-1].hang_up()
    else:
        await at.phone("211").free()
        await at.phone("211").dial(str(view["parkedPos"]))
        async with asyncio.timeout(10):
            await at.phone("211").calls[-1].answered.wait()
    at.phone("213").answers_after_s = 0.05
    await at.phone("214").dial("213")
    await at.crm_parks("214", "213")
    await at.phone("213").free()

    await ringing.accept()

    await at.phone("212").free()
    await at.office.bridge.start()

    async def parked_at() -> list[int]:
        calls = await at.api.calls("@self")
        return [x["parkedPos"] for c in calls for x in c["phoneCallView"] if "parkedPos" in x]

    assert await eventually(parked_at) == [view["parkedPos"]]
