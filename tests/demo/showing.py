"""One call between two softphones, step by step, on any lab."""

from __future__ import annotations

from collections.abc import Awaitable

from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.softphones.softphone import Softphone
from tests.demo.timeline import Timeline

ALICE, BOB = "0003*210", "0003*211"
ALICE_HZ, BOB_HZ = 440, 1000
STATUS = {2: "trying", 3: "ringing", 4: "other side is ringing", 5: "on call"}


async def show_call(lab: RunningLab, timeline: Timeline) -> None:
    """Raises StepFailed."""
    async with (
        lab.phone(ALICE, tone_hz=ALICE_HZ) as alice,
        lab.phone(BOB, tone_hz=BOB_HZ) as bob,
        lab.client() as api,
    ):
        await _call(lab, api, alice, bob, timeline)


async def _call(
    lab: RunningLab, api: ApiClient, alice: Softphone, bob: Softphone, timeline: Timeline
) -> None:
    print(f"            {ALICE} and {BOB} are registered at {lab.asterisk.ports.sip}/udp")
    await api.authenticate()
    timeline.begin()
    created = await timeline.step(
        "POST /uapi/phoneCalls/@me/simple", _expect(202, api.create([ALICE], [BOB]))
    )
    call_id = created.json[0]["id"]
    await timeline.step(f"{ALICE} rings", alice.wait_ringing())
    await _status(api, call_id, 3, timeline)
    await alice.accept()
    await timeline.step(f"{ALICE} answers", alice.wait_established())
    await timeline.step(f"{BOB} rings", bob.wait_ringing())
    await _status(api, call_id, 4, timeline)
    await bob.accept()
    await timeline.step(f"{BOB} answers", bob.wait_established())
    await _status(api, call_id, 5, timeline)
    await timeline.step(f"{ALICE} hears the {BOB_HZ} Hz of {BOB}", alice.wait_tone(BOB_HZ))
    await timeline.step(f"{BOB} hears the {ALICE_HZ} Hz of {ALICE}", bob.wait_tone(ALICE_HZ))
    await timeline.step("DELETE", _expect(200, api.hang_up(ALICE, call_id)))
    await timeline.step(f"{ALICE} is hung up", alice.wait_closed())
    await timeline.step(f"{BOB} is hung up", bob.wait_closed())
    record = await timeline.step("final record", api.wait_ended(call_id))
    print(f"            ended by {record['endedBy']}, hangup cause {record['hangupCause']}")


async def _status(api: ApiClient, call_id: str, status: int, timeline: Timeline) -> None:
    name = f"GET shows status {status} ({STATUS[status]})"
    await timeline.step(name, api.wait_status(call_id, status))


async def _expect(status: int, request: Awaitable[Answer]) -> Answer:
    answer = await request
    assert answer.status == status, answer.text
    return answer
