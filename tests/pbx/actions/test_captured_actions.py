"""PUT requests as the vendor's client and its samples put them on the wire, one by one.

The client ends each path with a slash, the samples do not. Numbers come as strings and as numbers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.lab.raw_http import send_raw

from .acting import hear_each_other, views
from .test_examples_of_send_call_to import BODIES

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALICE_HZ, BOB_HZ, BOSS_HZ = 440, 620, 880
RINGS = '"sendCallTo":"0003*212","callerId":"Boss <0003*212>"'
STAYS = [
    '{"action":"OnHold","phoneCallViewId":"00"}',
    '{"action":"OffHold","phoneCallViewId":"00"}',
    '{"action":"StartRecording","phoneCallViewId":"00","format":"wav"}',
    '{"action":"StopRecording","phoneCallViewId":"00"}',
    '{"action":"StartRecording","phoneCallViewId":"01","format":"wav49"}',
    '{"action":"StopRecording","phoneCallViewId":"01"}',
    *(json.dumps(x) for x in BODIES if x["action"] in ("OnHold", "OffHold")),
]
"""The talk goes on as it was. The last two are those of docs/actions.md."""
LISTENS = [
    f'{{"action":"Monitor",{RINGS},"waitForPickup":"20","phoneCallViewId":"00"}}',
    f'{{"action":"Whisper",{RINGS},"waitForPickup":"20","phoneCallViewId":"00","private":"0"}}',
    f'{{"action":"Whisper",{RINGS},"waitForPickup":"20","phoneCallViewId":"00","private":"1"}}',
    f'{{"action":"BargeIn","phoneCallViewId":"00",{RINGS},"waitForPickup":"25"}}',
]
PARKS = [
    '{"action":"Park","phoneCallViewId":"00","maxInParking":180}',
    '{"action":"Park","phoneCallViewId":"01"}',
]
TRANSFERS = [
    '{"action":"Transfer","sendCallTo":"0003*212","transferFromNumber":"0003*210",'
    '"transferNumber":"0003*211"}',
    '{"action":"Transfer","sendCallTo":"0003*212","transferFromNumber":"0003*210"}',
    '{"action":"Transfer","sendCallTo":"0003*212","phoneCallViewId":"01"}',
]


OF_THE_SAMPLES = [STAYS[4], STAYS[5], PARKS[1], TRANSFERS[2]]


async def put(
    lab: RunningLab, api: ApiClient, call_id: str, body: str, extension: str = "0003*210"
) -> Answer:
    """With the slash, as the client sends it; without, as the samples do."""
    headers: Mapping[str, str] = {
        "Host": urlsplit(lab.bridge.base_url).netloc,
        "User-Agent": "VoipNow Calls MCP/5.7.0",
        "Authorization": f"Bearer {api.token or await api.authenticate()}",
        "Content-Type": "application/json",
    }
    target = f"/uapi/phoneCalls/@me/{extension}/{call_id}"
    slash = "" if body in OF_THE_SAMPLES else "/"
    answer = await send_raw(lab.bridge.base_url, f"PUT {target}{slash} HTTP/1.1", headers, body)
    assert answer.status == 200, (body, answer.text)
    assert "X-Ignored-Parameters" not in answer.headers
    return answer


async def talk(api: ApiClient) -> str:
    call_id = await api.place(["210"], ["211"])
    await api.wait_call(call_id, lambda x: views(x, "status") == [5, 5])
    return call_id


async def test_given_captured_holds_recordings_and_listeners_when_put_then_the_talk_goes_on(
    lab: RunningLab, api: ApiClient
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
        lab.phone("0003*212", answer="auto") as boss,
    ):
        call_id = await talk(api)
        for body in STAYS:
            answer = await put(lab, api, call_id, body)
            assert answer.json["id"] == call_id
            assert all(views(answer.json, "onHold")) is ("OnHold" in body)
            assert all(views(answer.json, "recording")) is ("StartRecording" in body)
        for body in LISTENS:
            listener = (await put(lab, api, call_id, body)).json
            assert listener["actsOn"]["phoneCallId"] == call_id
            assert (await api.hang_up("212", listener["id"])).status == 200
            await boss.wait_closed()
        await hear_each_other(alice, ALICE_HZ, bob, BOB_HZ)


@pytest.mark.parametrize("body", PARKS)
async def test_given_a_captured_park_when_put_then_a_captured_unpark_fetches_the_party(
    lab: RunningLab, api: ApiClient, body: str
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob,
        lab.phone("0003*212", answer="auto", tone_hz=BOSS_HZ) as boss,
    ):
        call_id = await talk(api)
        [parked] = (await put(lab, api, call_id, body)).json
        [view] = parked["phoneCallView"]
        assert "parked" in view
        back = (
            f'{{"action":"UnPark","phoneCallViewId":"{view["id"]}",{RINGS},"waitForPickup":"25"}}'
        )
        fetched: Any = (await put(lab, api, call_id, back, "@self")).json
        assert fetched["id"] == call_id
        waits, waits_hz = (bob, BOB_HZ) if view["id"] == "01" else (alice, ALICE_HZ)
        await hear_each_other(waits, waits_hz, boss, BOSS_HZ)


@pytest.mark.parametrize("body", TRANSFERS)
async def test_given_a_captured_transfer_when_put_then_the_target_has_the_party(
    lab: RunningLab, api: ApiClient, body: str
) -> None:
    async with (
        lab.phone("0003*210", answer="auto") as alice,
        lab.phone("0003*211", answer="auto") as bob,
        lab.phone("0003*212", answer="auto"),
    ):
        call_id = await talk(api)
        moved = (await put(lab, api, call_id, body)).json
        by, stays = (bob, "210") if "phoneCallViewId" in body else (alice, "211")
        await by.wait_closed()
        shown = [str(x)[-3:] for x in views(moved, "extension")]
        assert (moved["id"], shown) == (call_id, [stays, "212"])


@pytest.mark.parametrize("view", ["00", "01"])
async def test_given_a_captured_pick_up_when_put_then_the_phone_has_the_call(
    lab: RunningLab, api: ApiClient, view: str
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice,
        lab.phone("0003*211") as bob,
        lab.phone("0003*212", answer="auto", tone_hz=BOSS_HZ) as boss,
    ):
        call_id = await api.place(["210"], ["211"])
        await bob.wait_ringing()
        await api.wait_status(call_id, 4)
        body = f'{{"action":"PickUp","phoneCallViewId":"{view}",{RINGS},"waitForPickup":"25"}}'
        assert (await put(lab, api, call_id, body)).json["id"] == call_id
        await hear_each_other(alice, ALICE_HZ, boss, BOSS_HZ)
