"""Two phones in talk, and a third one that listens: each sends a tone of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.softphone import AnswerPolicy, Softphone

ALICE_HZ, BOB_HZ, BOSS_HZ = 700, 1000, 1400  # no tone of ringing or busy
DAVE_HZ = 2000
_SILENT_DB = -35.0


@dataclass
class Talk:
    """210 (alice, view 00) talks to 211 (bob, view 01); 212 (boss) is to listen."""

    call_id: str
    alice: Softphone
    bob: Softphone
    boss: Softphone


@asynccontextmanager
async def talk(
    lab: RunningLab, api: ApiClient, boss: AnswerPolicy = "auto", dialled_by: str = "the API"
) -> AsyncIterator[Talk]:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=ALICE_HZ) as alice_phone,
        lab.phone("0003*211", answer="auto", tone_hz=BOB_HZ) as bob_phone,
        lab.phone("0003*212", answer=boss, tone_hz=BOSS_HZ) as boss_phone,
    ):
        if dialled_by == "a phone":
            await alice_phone.dial("211")
            await bob_phone.wait_established()
            [call] = await api.calls("210")
            call_id = str(call["id"])
        else:
            call_id = await api.place(["210"], ["211"])
            await bob_phone.wait_established()
        await api.wait_status(call_id, 5)
        yield Talk(call_id, alice_phone, bob_phone, boss_phone)


async def act(api: ApiClient, call_id: str, action: str, **fields: object) -> Answer:
    """PUT of the action, as the vendor's client writes it."""
    body = {
        "action": action,
        "phoneCallViewId": "00",
        "sendCallTo": "212",
        "callerId": "Boss <0003*212>",
        "waitForPickup": "20",
        **fields,
    }
    body = {k: v for k, v in body.items() if v is not None}
    return await api.request("PUT", f"/uapi/phoneCalls/@me/210/{call_id}/", body=body)


async def acted(api: ApiClient, call_id: str, action: str, **fields: object) -> Any:
    """The PhoneCall in the answer to an action that must succeed."""
    answer = await act(api, call_id, action, **fields)
    assert answer.status == 200, answer.text
    return answer.json


async def listening(api: ApiClient, call_id: str, action: str) -> Any:
    """As `acted`, once the phone that listens has answered."""
    listener = await acted(api, call_id, action)
    await api.wait_status(listener["id"], 5)
    return listener


async def hear(heard: Mapping[Softphone, Sequence[int]]) -> None:
    """Wait until each phone hears its tones, and then until none of them hears another tone."""
    for phone, tones in heard.items():
        for tone in tones:
            await phone.wait_tone(tone)
    for phone, tones in heard.items():
        for tone in {ALICE_HZ, BOB_HZ, BOSS_HZ, DAVE_HZ} - set(tones):
            await silent(phone, tone)


async def silent(phone: Softphone, tone: int) -> None:
    """Wait until the phone no longer hears this tone."""
    await eventually(
        lambda: phone.tone_heard(tone, last_s=1.0) < _SILENT_DB,
        why=lambda: f"{phone.user} hears {tone} Hz",
    )
