"""A message is a conversation: listed, fetched and deleted by the Verba API, heard by the phone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge.config.secrets_file import AMI_SECRET
from bridge.testing.eventually import eventually
from bridge.testing.lab.api_client import ApiClient
from bridge.testing.lab.plain_ami import PlainAmi
from bridge.testing.lab.running_lab import RunningLab
from bridge.testing.verba_client import VerbaClient
from tests.pbx.verba.sox import SoxAudio

from .messages import TONE_HZ, files, folder_of, lamp, leave_message, messages

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_given_a_message_when_an_app_fetches_and_deletes_it_then_nothing_is_left(
    lab: RunningLab, api: ApiClient, verba: VerbaClient, tmp_path: Path
) -> None:
    async with lamp(lab, "0003*211") as phone:
        call_id = await leave_message(lab, api, "211")
        assert (await phone.wait_lamp(1)).on
        found = await verba.conversation(call_id, ongoing=False)
        said = {x: found.findtext(x) for x in ("source_caller_id", "destination_caller_id")}
        assert said == {"source_caller_id": "0003*210", "destination_caller_id": "0003*211"}
        assert found.findtext("phone_call_id") == call_id
        information = await verba.ask("GetCallInformation", platformCallID=call_id)
        [metadata] = information.calls[0].findall("metadata")
        assert (metadata.attrib["name"], metadata.text) == ("voicemail", "0003*211")

        media = await verba.ask("GetMedia", extension="211", status="last")
        wav = tmp_path / "message.wav"
        wav.write_bytes(media.body)
        assert SoxAudio(wav).duration_s > 2
        assert SoxAudio(wav).tone_db(TONE_HZ, last_s=1) > -20
        assert SoxAudio(wav).tone_db(1000, last_s=1) < -40

        [file] = files(lab)
        assert (await verba.ask("DeleteCall", platformCallID=call_id)).code == 0
        assert not file.exists()
        assert not (await phone.wait_lamp(0)).on
        await verba.wait_gone(found.findtext("ccdr_id", ""))
        assert await messages(lab, "new", "0003*211") == 0


async def test_given_messages_when_the_phone_listens_then_it_hears_and_deletes_its_own(
    lab: RunningLab, api: ApiClient, verba: VerbaClient
) -> None:
    first = await leave_message(lab, api, "212", tone_hz=700)
    second = await leave_message(lab, api, "212", tone_hz=1300)
    found = await verba.conversation(second, ongoing=False)
    async with lab.phone("0003*211") as other, lab.phone("0003*212") as owner:
        call = await other.dial("*97")
        await other.wait_closed(call=call, timeout_s=30)  # no message of its own
        assert other.tone_heard(700) < -40

        call = await owner.dial("*97")
        await owner.wait_established(call=call)
        await owner.wait_tone(700, timeout_s=20)
        await owner.send_dtmf("6", call=call)
        await owner.wait_tone(1300, timeout_s=20)
        await owner.send_dtmf("7", call=call)
        await verba.wait_gone(found.findtext("ccdr_id", ""))
        await owner.wait_closed(call=call, timeout_s=30)
    assert len(files(lab)) == 1
    assert (await verba.ask("DeleteCall", platformCallID=first)).code == 0
    assert files(lab) == []


async def test_given_a_message_when_the_phone_registers_or_subscribes_then_its_lamp_is_on(
    lab: RunningLab, api: ApiClient, verba: VerbaClient
) -> None:
    call_id = await leave_message(lab, api, "213")
    await verba.conversation(call_id, ongoing=False)
    async with lamp(lab, "0003*213") as phone:
        shown = await phone.wait_lamp(1)
        assert "*97@" in shown.account
        phone.lamps.clear()
        assert await phone.subscribe() == 200
        subscribed = await phone.wait_lamp(1)
        # Its key for messages dials what it was told.
        number = subscribed.account.partition(":")[2].partition("@")[0]
        assert number.startswith("*97")
        call = await phone.dial(number)
        async with asyncio.timeout(20):
            await call.answered.wait()
        await call.hang_up()
        await lab.asterisk.stop()
        await lab.asterisk.start()
        phone.lamps.clear()
        await lab.bridge.wait_ready()
        assert (await phone.wait_lamp(1)).on
        assert (await verba.ask("DeleteCall", platformCallID=call_id)).code == 0
        await phone.wait_lamp(0)


async def test_given_a_message_without_a_word_when_it_is_looked_at_then_it_is_dropped(
    lab: RunningLab, api: ApiClient
) -> None:
    """Its phone sends nothing but silence."""
    async with lamp(lab, "0003*210") as caller:
        call = await caller.dial("213")
        async with asyncio.timeout(20):
            await call.answered.wait()
        await caller.press("5", call)
        await eventually(lambda: files(lab) != [], timeout=20)
        await eventually(lambda: files(lab)[0].stat().st_size > 60_000, timeout=20)
        await call.hang_up()
    await eventually(lambda: files(lab) == [], timeout=20)
    assert await messages(lab, "new", "0003*213") == 0


async def test_given_a_message_when_the_service_was_down_meanwhile_then_it_is_a_conversation(
    lab: RunningLab, api: ApiClient, verba: VerbaClient
) -> None:
    async with lab.phone("0003*210", tone_hz=TONE_HZ) as caller:
        await lab.bridge.kill()
        try:
            call = await caller.dial("213")
            await caller.wait_established(call=call, timeout_s=20)
            await eventually(lambda: caller.heard() is not None)
            await caller.send_dtmf("5", call=call)
            await eventually(lambda: files(lab) != [], timeout=20)
            await eventually(lambda: files(lab)[0].stat().st_size > 40_000, timeout=20)
            await caller.hangup(call=call)
        finally:
            await lab.bridge.start()
    found = await verba.conversation("0003*213", ongoing=False, field="destination_caller_id")
    assert (await verba.ask("DeleteCall", callID=found.findtext("ccdr_id", ""))).code == 0
    assert files(lab) == []


async def test_given_a_recorded_call_when_it_is_sent_to_a_mailbox_then_both_are_one_conversation(
    lab: RunningLab, api: ApiClient, verba: VerbaClient
) -> None:
    """0003*214 is always recorded; the caller is moved by somebody else's redirect."""
    async with (
        lab.phone("0003*210", answer="auto", tone_hz=TONE_HZ) as caller,
        lab.phone("0003*214", answer="auto"),
    ):
        call_id = await api.place(["210"], ["214"], extension="210")
        await api.wait_status(call_id, 5)
        await verba.conversation(call_id, ongoing=True)
        await eventually(lambda: caller.heard() is not None)
        await redirect(lab, call_id, "0003*213")
        await eventually(lambda: files(lab) != [], timeout=20)
        await eventually(lambda: files(lab)[0].stat().st_size > 40_000, timeout=20)
        await caller.hangup()
        await api.wait_ended(call_id)

    async def parts() -> list[str]:
        found = await verba.conversation(call_id, ongoing=False)
        names = [x.attrib["name"] for x in found.findall("media")]
        return names if any(x.startswith("voicemail-") for x in names) else []

    assert len(await eventually(parts, timeout=20)) == 2
    second = await verba.ask("GetMedia", platformCallID=call_id, part="2")
    assert len(second.body) > 40_000
    assert (await verba.ask("DeleteCall", platformCallID=call_id)).code == 0
    assert list(folder_of(lab).iterdir()) == []
    await eventually(lambda: messages_gone(lab), timeout=20)


async def redirect(lab: RunningLab, channel: str, mailbox: str) -> None:
    ami = PlainAmi()
    ports = lab.asterisk.ports
    await ami.open("127.0.0.1", ports.ami, "bridge", lab.bridge.secret(AMI_SECRET))
    try:
        [name] = [x["Channel"] for x in await ami.channels() if x["Uniqueid"] == channel]
        where = {"Context": "uapi-voicemail", "Exten": mailbox, "Priority": "1"}
        answer = await ami.action("Redirect", Channel=name, **where)
        assert answer["Response"] == "Success", answer
    finally:
        await ami.close()


async def messages_gone(lab: RunningLab) -> bool:
    return await messages(lab, "new", "0003*213") == 0
