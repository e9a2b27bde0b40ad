"""Recordings of talks whose parties are moved: by a transfer, and apart by another AMI client."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.config.secrets_file import AMI_SECRET
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.plain_ami import PlainAmi
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.verba_client import VerbaClient
from tests.pbx.calls.live_calls import extensions

from .recorded_files import RecordedFiles
from .sox import SoxAudio

pytestmark = pytest.mark.asyncio(loop_scope="session")

_HEARD_DB, _SILENT_DB = -15, -50


async def test_given_a_muted_call_when_its_source_transfers_it_then_the_next_part_is_silent_too(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, files: RecordedFiles, tmp_path: Path
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=440) as alice,
        lab.phone("0003*214", answer="auto", tone_hz=700) as lobby,  # it is always recorded
        lab.phone("0003*212", answer="auto", tone_hz=1400) as carol,
    ):
        await alice.dial("214")
        await lobby.wait_tone(440)
        [call] = await api.calls()
        live = await api.wait_call(call["id"], lambda x: "recordingId" in x)
        conversation = live["recordingId"]
        assert (await verba.ask("MuteRecording", callID=conversation, mute="3")).code == 0
        assert (await alice.transfer("212")).carried_out
        await lobby.wait_tone(1400)
        await carol.wait_tone(700)
        await files.wait_growing(f"{conversation}-2", 80_000)
        await api.hang_up("@self", call["id"])
    await verba.conversation(conversation, ongoing=False, field="ccdr_id")
    wav = tmp_path / "second.wav"
    wav.write_bytes((await verba.ask("GetMedia", callID=conversation, part="2")).body)
    for tone_hz in (700, 1400):
        assert SoxAudio(wav).tone_db(tone_hz, last_s=2) < _SILENT_DB
    assert (await verba.ask("DeleteCall", callID=conversation)).code == 0


async def test_given_two_who_are_moved_apart_then_each_talk_is_recorded_by_its_own_rules(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, files: RecordedFiles, tmp_path: Path
) -> None:
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=440) as alice,
        lab.phone("0003*214", answer="auto", tone_hz=700) as lobby,  # it is always recorded
        lab.phone("0003*211", answer="auto", tone_hz=1000) as bob,
        lab.phone("0003*212", answer="auto", tone_hz=1400) as carol,
    ):
        call_id = await api.place(["210"], ["214"])
        await api.wait_status(call_id, 5)
        first = (await verba.conversation(call_id, ongoing=True)).findtext("ccdr_id", "")
        await _move_apart(lab, {"0003*210": "0003*211", "0003*214": "0003*212"})
        await bob.wait_tone(440)
        await alice.wait_tone(1000)
        await lobby.wait_tone(1400)
        await carol.wait_tone(700)
        [other_id] = [x["id"] for x in await api.calls() if x["id"] != call_id]
        other = await api.wait_call(other_id, lambda x: "recordingId" in x)
        assert other["splitFrom"] == call_id
        assert extensions(other) == ["0003*214", "0003*212"]
        second = other["recordingId"]
        await files.wait_growing(second, 80_000)
        sizes = [x.stat().st_size for x in files.of(first)]
        await api.hang_up("@self", other_id)
        await api.wait_ended(other_id)
        [left] = await api.calls()
        assert (left["id"], left["splitOff"]) == (call_id, [other_id])
        await alice.wait_tone(1000)
        assert [x.stat().st_size for x in files.of(first)] == sizes  # it is not recorded any more
        await api.hang_up("@self", call_id)
    await verba.conversation(second, ongoing=False, field="ccdr_id")
    wav = tmp_path / "second.wav"
    wav.write_bytes((await verba.ask("GetMedia", callID=second)).body)
    for tone_hz in (700, 1400):
        assert SoxAudio(wav).tone_db(tone_hz, last_s=2) > _HEARD_DB
    for tone_hz in (440, 1000):
        assert SoxAudio(wav).tone_db(tone_hz) < _SILENT_DB
    await verba.conversation(first, ongoing=False, field="ccdr_id")
    for conversation in (first, second):
        assert (await verba.ask("DeleteCall", callID=conversation)).code == 0


async def _move_apart(lab: RunningLab, moves: dict[str, str]) -> None:
    """The channel of each phone to the extension beside it."""
    ami = PlainAmi()
    await ami.open("127.0.0.1", lab.asterisk.ports.ami, "bridge", lab.bridge.secret(AMI_SECRET))
    try:
        names = [x["Channel"] for x in await ami.channels()]
        (one, to), (other, extra) = (
            (next(x for x in names if x.startswith(f"PJSIP/{phone}-")), exten)
            for phone, exten in moves.items()
        )
        answer = await ami.action(
            "Redirect",
            Channel=one,
            Context="extensions",
            Exten=to,
            Priority="1",
            ExtraChannel=other,
            ExtraContext="extensions",
            ExtraExten=extra,
            ExtraPriority="1",
        )
        assert answer["Response"] == "Success", answer
    finally:
        await ami.close()
