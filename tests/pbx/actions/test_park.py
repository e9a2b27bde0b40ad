"""Park and UnPark with real phones, on the shipped Asterisk."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.softphone import Softphone
from tests.pbx.calls.live_calls import wait_no_calls, wait_only_call
from tests.pbx.calls.records_on_disk import assert_ended_once, wait_kept

from .acting import MUSIC_HZ, act, acted, hear_each_other, silence_is_heard, views

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALICE_HZ, BOB_HZ, CAROL_HZ = 440, 620, 880


def extensions(call: Any) -> list[str]:
    return [x["extension"].rpartition("*")[2] for x in call["phoneCallView"]]


async def talk(api: ApiClient, alice: Softphone, bob: Softphone, begun_by: str) -> Any:
    """210 talks to 211."""
    if begun_by == "api":
        await api.place(["210"], ["211"])
    else:
        await alice.dial("211")
    call = await wait_only_call(api, "210", lambda x: views(x, "status") == [5, 5])
    await hear_each_other(alice, ALICE_HZ, bob, BOB_HZ)
    return call


async def parked(api: ApiClient, call_id: str, view: str, at_most_s: object = 60) -> Any:
    answer = await act(
        api, call_id, "Park", extension="@self", phoneCallViewId=view, maxInParking=at_most_s
    )
    assert answer.status == 200, answer.text
    [call] = answer.json
    return call


@pytest.mark.parametrize("begun_by", ["api", "phone"])
@pytest.mark.parametrize("view", ["00", "01"])
async def test_given_a_talk_when_parked_then_the_other_hears_music_until_a_phone_fetches_it(
    lab: RunningLab, api: ApiClient, begun_by: str, view: str
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
        lab.phone("0003*212", answer="auto", tone_hz=CAROL_HZ) as carol,
    ):
        before = await talk(api, alice, bob, begun_by)
        parker, waits = (alice, bob) if view == "00" else (bob, alice)
        waits_hz = BOB_HZ if view == "00" else ALICE_HZ
        numbers = ("210", "211") if view == "00" else ("211", "210")

        call = await parked(api, before["id"], view)

        assert call["id"] == before["id"]
        [seen] = call["phoneCallView"]
        assert seen["extension"].endswith(numbers[1])
        assert (seen["status"], seen["parkedBy"][-3:]) == (5, numbers[0])
        assert 7001 <= seen["parkedPos"] <= 7100
        assert "parked" in seen
        assert seen["destination"] == [str(seen["parkedPos"])]
        await parker.wait_closed()
        await waits.wait_tone(MUSIC_HZ)

        body = {"phoneCallViewId": seen["id"], "sendCallTo": "212"}
        fetched = await acted(api, call["id"], "UnPark", extension="@self", **body)

        assert fetched["id"] == call["id"]
        assert extensions(fetched) == [numbers[1], "212"]
        assert views(fetched, "parked") == views(fetched, "parkedPos") == [None, None]
        await hear_each_other(waits, waits_hz, carol, CAROL_HZ)
        await carol.hangup()
        await waits.wait_closed()
        await wait_no_calls(api)
        ended = await api.wait_ended(call["id"])
        assert (ended["endedBy"], ended["disposition"]) == ("destination", 0)


async def test_given_a_parked_party_when_fetched_then_its_own_thread_has_ended_the_music(
    lab: RunningLab, api: ApiClient
) -> None:
    """It plays the silence of res_parking.conf."""
    async with (
        lab.phone("0003*210", answer="auto") as alice,
        lab.phone("0003*211", answer="auto"),
        lab.phone("0003*212", answer="auto", tone_hz=CAROL_HZ),
    ):
        call_id = await api.place(["210"], ["211"])
        await api.wait_call(call_id, lambda x: views(x, "status") == [5, 5])
        await parked(api, call_id, "01")
        with silence_is_heard(lab) as silence_hz:
            await acted(api, call_id, "UnPark", extension="@self", sendCallTo="212")
            await alice.wait_tone(silence_hz)
        await alice.wait_tone(CAROL_HZ)
        await api.leave_no_call()


@pytest.mark.parametrize(("begun_by", "view"), [("api", "00"), ("api", "01"), ("phone", "01")])
async def test_given_a_parked_party_when_its_time_is_over_then_who_parked_it_is_rung(
    lab: RunningLab, api: ApiClient, begun_by: str, view: str
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
    ):
        call = await talk(api, alice, bob, begun_by)
        parker, waits = (alice, bob) if view == "00" else (bob, alice)
        parker_hz, waits_hz = (ALICE_HZ, BOB_HZ) if view == "00" else (BOB_HZ, ALICE_HZ)
        numbers = ["211", "210"] if view == "00" else ["210", "211"]
        parker.answer = "manual"

        await parked(api, call["id"], view, "2")

        await parker.wait_closed()
        rings = await api.wait_call(call["id"], lambda x: len(x["phoneCallView"]) == 2)
        assert extensions(rings) == numbers
        assert views(rings, "parked") == [None, None]
        await api.wait_call(call["id"], lambda x: 3 in views(x, "status"))
        await parker.accept()
        again = await api.wait_call(call["id"], lambda x: views(x, "status") == [5, 5])
        assert extensions(again) == numbers
        assert again["answered"] == call["answered"]
        await hear_each_other(waits, waits_hz, parker, parker_hz)
        await parker.hangup()
        await waits.wait_closed()
        await wait_no_calls(api)
        ended = await api.wait_ended(call["id"])
        assert (ended["endedBy"], ended["reason"]) == ("destination", "normal clearing")
        assert_ended_once(lab, call["id"])


@pytest.mark.parametrize("parker", ["refuses", "has left"])
async def test_given_a_parked_party_when_who_parked_it_does_not_answer_then_the_record_says_so(
    lab: RunningLab, api: ApiClient, parker: str
) -> None:
    async with lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice:
        async with lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob:
            call = await talk(api, alice, bob, "api")
            bob.answer = "reject_busy"
            await parked(api, call["id"], "01", 2)
            if parker == "refuses":
                await alice.wait_closed()
        await alice.wait_closed()
        ended = await api.wait_ended(call["id"])
        assert (ended["endedBy"], ended["disposition"]) == ("pbx", 0)
        assert ended["reason"] == "parked, and nobody took it back"
        assert_ended_once(lab, call["id"])


@pytest.mark.parametrize("who", ["the parked party", "the app"])
@pytest.mark.parametrize("begun_by", ["api", "phone"])
async def test_given_a_parked_party_when_it_or_the_app_hangs_up_then_the_call_ends_once(
    lab: RunningLab, api: ApiClient, who: str, begun_by: str
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
    ):
        call = await talk(api, alice, bob, begun_by)
        await parked(api, call["id"], "01")
        await bob.wait_closed()

        if who == "the app":
            assert (await api.hang_up("210", call["id"])).json == [{"id": call["id"]}]
        else:
            await alice.hangup()

        await alice.wait_closed()
        await wait_no_calls(api)
        ended = await api.wait_ended(call["id"])
        ended_by = "api" if who == "the app" else "source"
        assert (ended["endedBy"], ended["reason"]) == (ended_by, "normal clearing")
        assert views(ended, "parked") == [None, None]
        assert_ended_once(lab, call["id"])


async def test_given_a_service_that_restarts_when_a_party_is_parked_then_the_view_still_says_so(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
        lab.phone("0003*212", answer="auto", tone_hz=CAROL_HZ) as carol,
    ):
        call = await talk(api, alice, bob, "api")
        before = await parked(api, call["id"], "01")
        await bob.wait_closed()
        await wait_kept(lab, call["id"], lambda legs: legs[0]["parking"] is not None)

        await lab.bridge.kill()
        await lab.bridge.start()

        assert (await api.call(call["id"]))["phoneCallView"] == before["phoneCallView"]
        fetched = await acted(api, call["id"], "UnPark", sendCallTo="212")
        assert views(fetched, "parked") == [None, None]
        await hear_each_other(alice, ALICE_HZ, carol, CAROL_HZ)
        await alice.hangup()
        await carol.wait_closed()
        await api.wait_ended(call["id"])
        assert_ended_once(lab, call["id"])


async def test_given_a_parked_party_when_fetched_while_the_service_is_away_then_it_is_not_parked(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
    ):
        call = await talk(api, alice, bob, "api")
        bob.answer = "manual"
        await parked(api, call["id"], "01", 2)
        await wait_kept(lab, call["id"], lambda legs: legs[0]["parking"] is not None)
        await lab.bridge.kill()
        await eventually(lambda: len(bob.log.incoming) == 2 and bob.log.incoming[1].ringing)
        await lab.bridge.start()
        rings = await api.wait_call(call["id"], lambda x: len(x["phoneCallView"]) == 2)
        assert views(rings, "parked") == [None, None]
        await bob.accept()
        await api.wait_call(call["id"], lambda x: views(x, "status") == [5, 5])
        await bob.hangup()
        await api.wait_ended(call["id"])


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"maxInParking": "soon"}, "pc_parking_invalid"),
        ({"maxInParking": ""}, "pc_parking_invalid"),
        ({"maxInParking": 0}, "pc_parking_invalid"),
        ({"maxInParking": -5}, "pc_parking_invalid"),
        ({"maxInParking": 3601}, "pc_parking_invalid"),
        ({"maxInParking": "30\r\nAction: Logoff"}, "pc_parking_invalid"),
        ({"maxInParking": [30]}, "pc_parking_invalid"),
        ({"phoneCallViewId": "07"}, "pc_view_invalid"),
    ],
)
async def test_given_a_wrong_field_when_put_then_nobody_is_parked(
    lab: RunningLab, api: ApiClient, fields: dict[str, object], code: str
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
    ):
        call = await talk(api, alice, bob, "api")
        body: dict[str, Any] = {"phoneCallViewId": "01", **fields}
        answer = await act(api, call["id"], "Park", **body)
        assert (answer.status, answer.code) == (400, code), answer.text
        assert views(await api.call(call["id"]), "status") == [5, 5]


async def test_given_who_cannot_park_when_put_then_the_answer_says_why(
    lab: RunningLab, api: ApiClient
) -> None:
    async with lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice:
        call_id = await api.place(["210"], ["3235550201"])
        await api.wait_call(call_id, lambda x: views(x, "status") == [5, 5])
        public = await act(api, call_id, "Park", phoneCallViewId="01")
        assert (public.status, public.code) == (409, "pc_action_failed")
        assert "only an extension parks" in public.message

        call = await parked(api, call_id, "00")

        [seen] = call["phoneCallView"]
        assert seen["id"] == "01"
        assert seen["parkedBy"] in ("210", "0003*210")
        await alice.wait_closed()
        again = await act(api, call_id, "Park", phoneCallViewId="01")
        assert (again.status, again.code) == (409, "pc_action_failed")
        assert (await api.hang_up("210", call_id)).json == [{"id": call_id}]
        await api.wait_ended(call_id)


@pytest.mark.parametrize("held_by", ["the API", "the phone"])
@pytest.mark.parametrize(("begun_by", "view"), [("api", "00"), ("phone", "01")])
async def test_given_a_call_on_hold_when_who_holds_parks_it_then_it_waits_and_comes_back(
    lab: RunningLab, api: ApiClient, held_by: str, begun_by: str, view: str
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
    ):
        call = await talk(api, alice, bob, begun_by)
        holder, held = (alice, bob) if view == "00" else (bob, alice)
        holder_hz, held_hz = (ALICE_HZ, BOB_HZ) if view == "00" else (BOB_HZ, ALICE_HZ)
        if held_by == "the API":
            await acted(api, call["id"], "OnHold", phoneCallViewId=view)
        else:
            await holder.hold()
        await api.wait_call(call["id"], lambda x: all(views(x, "onHold")))
        if held_by == "the API":
            other = await act(
                api, call["id"], "Park", phoneCallViewId="01" if view == "00" else "00"
            )
            assert (other.status, other.code) == (409, "pc_action_failed")
            assert "holds the call" in other.message

        waits = await parked(api, call["id"], view, 3)

        assert views(waits, "onHold") == [None]
        await holder.wait_closed()
        await held.wait_tone(MUSIC_HZ)
        again = await api.wait_call(call["id"], lambda x: views(x, "status") == [5, 5])
        assert views(again, "onHold") == [None, None]
        await hear_each_other(holder, holder_hz, held, held_hz)
        await held.hangup()
        await holder.wait_closed()
        ended = await api.wait_ended(call["id"])
        assert (ended["endedBy"], ended["reason"]) == ("source", "normal clearing")
        assert_ended_once(lab, call["id"])


@pytest.mark.parametrize(("begun_by", "number"), [("api", "210"), ("phone", "212")])
async def test_given_a_transferred_call_when_parked_then_it_comes_back_to_who_parked_it(
    lab: RunningLab, api: ApiClient, begun_by: str, number: str
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
        lab.phone("0003*212", answer="auto", tone_hz=CAROL_HZ) as carol,
    ):
        call = await talk(api, alice, bob, begun_by)
        to = {"transferFromNumber": "0003*211", "sendCallTo": "0003*212"}
        await acted(api, call["id"], "Transfer", **to)
        now = await api.wait_call(call["id"], lambda x: extensions(x) == ["210", "212"])
        await hear_each_other(alice, ALICE_HZ, carol, CAROL_HZ)
        parker, waits = (alice, carol) if number == "210" else (carol, alice)
        [view] = [x["id"] for x in now["phoneCallView"] if x["extension"].endswith(number)]

        gone = await parked(api, call["id"], view, 2)

        assert [x["parkedBy"][-3:] for x in gone["phoneCallView"]] == [number]
        await parker.wait_closed()
        await waits.wait_tone(MUSIC_HZ)
        await api.wait_call(call["id"], lambda x: views(x, "status") == [5, 5])
        await hear_each_other(alice, ALICE_HZ, carol, CAROL_HZ)
        await waits.hangup()
        await parker.wait_closed()
        ended = await api.wait_ended(call["id"])
        assert (ended["endedBy"], ended["reason"]) == ("source", "normal clearing")
        assert_ended_once(lab, call["id"])


async def test_given_a_caller_from_outside_when_parked_then_a_colleague_fetches_it(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
        lab.phone("0003*212", answer="auto", tone_hz=CAROL_HZ) as carol,
    ):
        await lab.asterisk.call_in("5550003211", caller_number="3235550100")
        talks = await wait_only_call(api, "211", lambda x: views(x, "status") == [5, 5])
        [view] = [x["id"] for x in talks["phoneCallView"] if "extension" in x]

        call = await parked(api, talks["id"], view)

        [seen] = call["phoneCallView"]
        assert seen["source"] == ["3235550100"]
        assert "extension" not in seen
        assert seen["parkedBy"].endswith("211")
        await bob.wait_closed()
        fetched = await acted(api, call["id"], "UnPark", extension="@self", sendCallTo="212")
        assert views(fetched, "parkedBy") == [None, None]
        await carol.wait_established()
        await carol.hangup()
        ended = await api.wait_ended(call["id"])
        assert (ended["endedBy"], ended["disposition"]) == ("destination", 0)
        assert_ended_once(lab, call["id"])
