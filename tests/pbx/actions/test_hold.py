"""OnHold and OffHold with real phones: the party on hold hears music, and the other nothing."""

from __future__ import annotations

import pytest

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.softphone import Softphone
from tests.pbx.calls.live_calls import wait_no_calls, wait_only_call

from .acting import MUSIC_HZ, act, acted, hear_each_other, silence_is_heard, views

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALICE_HZ, BOB_HZ = 440, 620


async def silent(phone: Softphone, hz: int) -> None:
    """Return once the phone no longer hears this tone."""
    await eventually(lambda: phone.tone_heard(hz, last_s=1.0) < -30, 6)


async def test_given_a_hold_when_it_ends_then_the_thread_of_each_has_ended_music_and_silence(
    lab: RunningLab, api: ApiClient
) -> None:
    """Each plays the silence of features.conf."""
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
    ):
        call_id = await api.place(["210"], ["211"])
        await api.wait_call(call_id, lambda x: views(x, "status") == [5, 5])
        await acted(api, call_id, "OnHold", phoneCallViewId="00")
        with silence_is_heard(lab) as silence_hz:
            await acted(api, call_id, "OffHold", phoneCallViewId="00")
            await hear_each_other(alice, silence_hz, bob, silence_hz)
        await hear_each_other(alice, ALICE_HZ, bob, BOB_HZ)
        await api.leave_no_call()


@pytest.mark.parametrize("begun_by", ["api", "phone"])
@pytest.mark.parametrize("view", ["00", "01"])
async def test_given_a_talk_when_held_by_the_api_then_the_other_hears_music_until_off_hold(
    lab: RunningLab, api: ApiClient, begun_by: str, view: str
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
    ):
        if begun_by == "api":
            await api.place(["210"], ["211"])
        else:
            await alice.dial("211")
        talk = await wait_only_call(api, "210", lambda x: views(x, "status") == [5, 5])
        call_id = talk["id"]
        await hear_each_other(alice, ALICE_HZ, bob, BOB_HZ)
        holder, held = (alice, bob) if view == "00" else (bob, alice)
        holder_hz, held_hz = (ALICE_HZ, BOB_HZ) if view == "00" else (BOB_HZ, ALICE_HZ)

        call = await acted(api, call_id, "OnHold", phoneCallViewId=view)

        assert views(call, "holder") == ([1, 0] if view == "00" else [0, 1])
        assert call["id"] == call_id
        assert all(views(call, "onHold"))
        assert views(call, "status") == [5, 5]
        await held.wait_tone(MUSIC_HZ)
        await silent(held, holder_hz)
        await silent(holder, held_hz)
        assert (await acted(api, call_id, "OnHold", phoneCallViewId=view)) == call

        resumed = await acted(api, call_id, "OffHold", phoneCallViewId=int(view))

        assert views(resumed, "onHold") == views(resumed, "holder") == [None, None]
        assert resumed["answered"] == talk["answered"]
        await hear_each_other(alice, ALICE_HZ, bob, BOB_HZ)
        await silent(held, MUSIC_HZ)
        assert (await acted(api, call_id, "OffHold", phoneCallViewId=view)) == resumed
        await held.hangup()
        await holder.wait_closed()
        await wait_no_calls(api)
        ended = await api.wait_ended(call_id)
        assert ended["endedBy"] == ("destination" if view == "00" else "source")


@pytest.mark.parametrize("who", ["holder", "held", "delete"])
@pytest.mark.parametrize("begun_by", ["api", "phone"])
async def test_given_a_held_call_when_a_party_or_the_app_hangs_up_then_it_ends_once(
    lab: RunningLab, api: ApiClient, who: str, begun_by: str
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as alice,
        lab.phone("0003*211", answer="auto") as bob,
    ):
        if begun_by == "api":
            await api.place(["210"], ["211"])
        else:
            await alice.dial("211")
        talk = await wait_only_call(api, "210", lambda x: views(x, "status") == [5, 5])
        await acted(api, talk["id"], "OnHold")

        if who == "delete":
            assert (await api.hang_up("210", talk["id"])).json == [{"id": talk["id"]}]
        else:
            await {"holder": alice, "held": bob}[who].hangup()

        await alice.wait_closed()
        await bob.wait_closed()
        await wait_no_calls(api)
        ended = await api.wait_ended(talk["id"])
        ended_by = {"holder": "source", "held": "destination", "delete": "api"}[who]
        assert (ended["endedBy"], ended["disposition"]) == (ended_by, 0)
        assert views(ended, "onHold") == [None, None]


async def test_given_a_phone_that_holds_when_asked_to_resume_by_the_api_then_only_it_can(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
    ):
        call_id = await api.place(["210"], ["211"])
        await api.wait_call(call_id, lambda x: views(x, "status") == [5, 5])
        await hear_each_other(alice, ALICE_HZ, bob, BOB_HZ)

        await alice.hold()

        held = await api.wait_call(call_id, lambda x: all(views(x, "onHold")))
        assert views(held, "holder") == [1, 0]
        await bob.wait_tone(MUSIC_HZ)
        assert views(await acted(api, call_id, "OnHold"), "holder") == [1, 0]
        refused = await act(api, call_id, "OffHold")
        assert (refused.status, refused.code) == (409, "pc_action_failed")
        assert "0003*210" in refused.message
        await silent(bob, ALICE_HZ)
        await alice.resume()
        await api.wait_call(call_id, lambda x: not any(views(x, "onHold")))
        # Not alice's own ear: baresip 1.0 hears nothing more in a call that it has held.
        await bob.wait_tone(ALICE_HZ)


async def test_given_what_cannot_be_held_when_asked_then_the_answer_says_why(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as alice,
        lab.phone("0003*211") as bob,
    ):
        await alice.dial("211")
        ringing = await bob.wait_ringing()
        call = await wait_only_call(api, "210", lambda x: views(x, "status")[1] == 3)

        caller = await act(api, call["id"], "OnHold", phoneCallViewId="00")
        called = await act(api, call["id"], "OnHold", phoneCallViewId="01")
        nobody = await act(api, call["id"], "OnHold", phoneCallViewId="07")
        unknown = await act(api, "0" * 20, "OnHold")

        assert [(x.status, x.code) for x in (caller, called, nobody, unknown)] == [
            (409, "pc_action_failed"),
            (409, "pc_action_failed"),
            (400, "pc_view_invalid"),
            (400, "pc_phonecall_invalid"),
        ]
        await bob.accept(call=ringing)
        await api.wait_call(call["id"], lambda x: views(x, "status") == [5, 5])
        await acted(api, call["id"], "OnHold", phoneCallViewId="00")
        other = await act(api, call["id"], "OnHold", phoneCallViewId="01")
        assert (other.status, "0003*210 holds" in other.message) == (409, True)
        back = await act(api, call["id"], "OffHold", phoneCallViewId="01")
        assert (back.status, "0003*210 holds" in back.message) == (409, True)


async def test_given_no_call_id_when_held_then_all_calls_of_the_extension_are(
    lab: RunningLab, api: ApiClient
) -> None:
    path = "/uapi/phoneCalls/@me/210"
    assert (await api.request("PUT", path, body={"action": "OnHold"})).status == 204
    async with (
        lab.phone("0003*210", answer="auto"),
        lab.phone("0003*211", answer="auto") as bob,
    ):
        call_id = await api.place(["210"], ["211"])
        await api.wait_call(call_id, lambda x: views(x, "status") == [5, 5])
        held = await api.request("PUT", path + "/", body={"action": "OnHold"})
        assert [(x["id"], views(x, "holder")) for x in held.json] == [(call_id, [1, 0])]
        await bob.wait_tone(MUSIC_HZ)


@pytest.mark.parametrize("service", ["0003*400", "0003*500"])
@pytest.mark.parametrize("begun_by", ["create", "transfer"])
async def test_given_a_service_when_held_parked_or_asked_to_then_it_is_refused(
    lab: RunningLab, api: ApiClient, begun_by: str, service: str
) -> None:
    """An IVR and a conference."""
    async with (
        lab.phone("0003*210", answer="auto"),
        lab.phone("0003*211", answer="auto"),
    ):
        if begun_by == "create":
            call_id = await api.place(["210"], [service])
        else:
            call_id = await api.place(["211"], ["210"])
            await api.wait_call(call_id, lambda x: views(x, "status") == [5, 5])
            await acted(api, call_id, "Transfer", transferNumber="0003*210", sendCallTo=service)
        call = await api.wait_call(call_id, lambda x: views(x, "status") == [5, 5])
        for view in views(call, "id"):
            for action in ("OnHold", "Park"):
                refused = await act(api, call_id, action, phoneCallViewId=view)
                assert (refused.status, refused.code) == (409, "pc_action_failed"), view
                assert f"{service} is no phone" in refused.message
        assert views(await api.call(call_id), "onHold") == [None, None]
