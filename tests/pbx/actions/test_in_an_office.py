"""The same actions on an Asterisk as people bring it, the newest and the oldest: Local channels, a
ring group, a parking lot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from tests.lab.api_client import Answer, ApiClient
from tests.lab.installation import test_installation
from tests.office.open_office import Office, open_office
from tests.pbx.old_asterisk.conftest import asterisk_16
from tests.scripted_ami.eventually import eventually
from tests.softphones.plain_phone import PlainPhone

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class At:
    """An office and an app in it; `phone("210")`."""

    office: Office
    api: ApiClient

    def phone(self, number: str) -> PlainPhone:
        return self.office.phones[number]

    async def act(self, call_id: str, action: str, to: str, view: str = "00") -> Answer:
        body = {"action": action, "phoneCallViewId": view, "sendCallTo": to}
        return await self.api.request("PUT", f"/uapi/phoneCalls/@me/@self/{call_id}", body=body)

    async def call(self, seen: dict[str, int]) -> Any:
        """The one call in which these extensions have these statuses."""

        async def found() -> Any:
            calls = await self.api.calls("@self")
            views = [[(_short(x), x["status"]) for x in call["phoneCallView"]] for call in calls]
            return calls[0] if [sorted(x) for x in views] == [sorted(seen.items())] else None

        return await eventually(found, 10)

    async def park(self) -> None:
        """211 parks the other side of its call."""
        [call] = self.phone("211").calls
        assert await call.refer("700") == 202
        async with asyncio.timeout(10):
            await call.transferred.wait()
        await call.hang_up()

    async def crm_parks(self, number: str, parker: str) -> None:
        """Somebody else's AMI client parks that phone for a minute."""

        async def talking() -> str:
            """Asterisk answers a phone before it is in a bridge, and parks nobody who is not."""
            channels = await self.office.crm.channels()
            mine = [x for x in channels if x["Channel"].startswith(f"PJSIP/{number}-")]
            return next((x["Channel"] for x in mine if x.get("BridgeId")), "")

        done = await self.office.crm.action(
            "Park",
            Channel=await eventually(talking),
            TimeoutChannel=f"PJSIP/{parker}-1",
            Timeout="60000",
        )
        assert done["Response"] == "Success", done

    async def has_parked(self, call: Any, at_most_s: int = 60) -> None:
        """The app lets 211 park the other side of that call."""
        [view] = [x["id"] for x in call["phoneCallView"] if _short(x) == "211"]
        body = {"action": "Park", "phoneCallViewId": view, "maxInParking": at_most_s}
        answer = await self.api.request(
            "PUT", f"/uapi/phoneCalls/@me/@self/{call['id']}", body=body
        )
        assert answer.status == 200, answer.text

    async def talk(self, dials: str = "211") -> Any:
        """210 dials, 211 answers."""
        self.phone("211").answers_after_s = 0.05
        await self.phone("210").dial(dials)
        return await self.call({"210": 5, "211": 5})


def _short(view: Any) -> str:
    return str(view["extension"]).rpartition("*")[2]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["newest", "16.28"])
async def opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[At]:
    old = request.param != "newest"
    installation = await (asterisk_16() if old else test_installation())
    office = await open_office(tmp_path_factory.mktemp("office"), installation=installation)
    try:
        async with office.bridge.client() as api:
            yield At(office, api)
    finally:
        await office.close()


@pytest_asyncio.fixture(loop_scope="module")
async def at(opened: At) -> AsyncIterator[At]:
    yield opened
    await opened.api.leave_no_call()
    for phone in opened.office.phones.values():
        await phone.free()
        phone.forget_calls()


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
        for x in await at.api.calls("@self", ended="true")
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
    assert _short({"extension": view["parkedBy"]}) == "211"
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
    assert (_short(view), _short({"extension": view["parkedBy"]})) == ("210", "211")
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
