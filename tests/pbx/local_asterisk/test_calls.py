"""What the configuration does with real calls."""

from __future__ import annotations

import asyncio
import time

import pytest

from .pbx_under_test import PbxUnderTest

INCLUDED = {
    *("Newchannel", "Newstate", "DialBegin", "DialEnd", "OriginateResponse", "Hangup"),
    *(
        "DialState",
        "HangupRequest",
        "Hold",
        "Unhold",
        "AttendedTransfer",
        "BlindTransfer",
        "BridgeEnter",
        "ParkedCall",
        "ConfbridgeJoin",
        "ConfbridgeLeave",
        "QueueCallerLeave",
        "MessageWaiting",
        "PeerStatus",
    ),
    *("ContactStatus", "Shutdown", "FullyBooted"),
}


async def test_only_included_events_arrive_and_enough_of_them(pbx: PbxUnderTest) -> None:
    source, destination = await pbx.phone("0003*210"), await pbx.phone("0003*211")
    call = await pbx.call("PJSIP/0003*210", "PJSIP/0003*211")
    dialogs = [await source.next_call(), await destination.next_call()]
    await pbx.bridged(call)
    await pbx.ami.action("Hangup", Channel=call)
    await pbx.ended(call)
    for dialog in dialogs:
        await asyncio.wait_for(dialog.ended.wait(), 5)

    of_call = [event for event in pbx.ami.events if event.get("Linkedid") == call]
    assert {event["Event"] for event in pbx.ami.events} <= INCLUDED
    assert {event["Event"] for event in of_call} >= {
        *("Newchannel", "Newstate", "DialBegin", "DialEnd", "Hangup")
    }
    assert len(of_call) < 15
    assert all("Timestamp" in event for event in of_call)


ECHO = "Local/0003*00@services/n"
DENIED = "Permission denied"


@pytest.mark.parametrize(
    ("action", "fields", "why"),
    [
        ("Command", {"Command": "core show channels"}, DENIED),
        ("GetConfig", {"Filename": "manager.conf"}, DENIED),
        ("UpdateConfig", {"SrcFilename": "a.conf", "DstFilename": "a.conf"}, DENIED),
        ("ModuleLoad", {"LoadType": "unload", "Module": "res_ari.so"}, DENIED),
        ("DBPut", {"Family": "ps_auths", "Key": "x", "Val": "x"}, DENIED),
        ("MixMonitor", {"Channel": "x", "File": "x.wav", "Command": "id"}, DENIED),
        (
            "Originate",
            {"Channel": ECHO, "Application": "System", "Data": "id"},
            "Originate Access Forbidden",
        ),
    ],
)
async def test_an_action_outside_the_rights_is_refused(
    pbx: PbxUnderTest, action: str, fields: dict[str, str], why: str
) -> None:
    answer = await pbx.ami.action(action, **fields)
    assert answer["Response"] == "Error"
    assert answer["Message"].startswith(why)


async def test_the_channel_for_which_a_command_is_refused_can_be_called(pbx: PbxUnderTest) -> None:
    answer = await pbx.ami.action("Originate", Channel=ECHO, Application="Wait", Data="0")
    assert answer["Response"] == "Success", answer


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("Originate", {"Channel": ECHO, "Context": "services", "Exten": "00", "Priority": "1"}),
        ("Originate", {"Channel": ECHO, "Application": "System", "Data": "id"}),
        ("Redirect", {"Context": "services", "Exten": "00", "Priority": "1"}),
        ("Setvar", {"Variable": "x", "Value": "y"}),
        ("Command", {"Command": "core show channels"}),
    ],
)
async def test_the_user_for_recording_is_refused_what_belongs_to_calls(
    pbx: PbxUnderTest, action: str, fields: dict[str, str]
) -> None:
    """Hangup is not among it: Asterisk allows it to `call` and to `system`."""
    await pbx.phone("0003*210")
    call = await pbx.call("PJSIP/0003*210", ECHO)
    await pbx.bridged(call)
    async with pbx.recording_ami() as recording:
        answer = await recording.action(action, **{"Channel": call, **fields})
        assert answer["Response"] == "Error"
        assert answer["Message"] == DENIED


async def test_the_user_for_recording_records_and_sees_no_call(pbx: PbxUnderTest) -> None:
    async with pbx.recording_ami() as recording:
        await recording.wait_for(lambda event: event["Event"] == "FullyBooted")
        await pbx.phone("0003*210")
        call = await pbx.call("PJSIP/0003*210", ECHO)
        await pbx.bridged(call)
        for action in ("MixMonitor", "MixMonitorMute", "StopMixMonitor"):
            answer = await recording.action(
                action, Channel=call, File="rights.wav", Direction="both", State="1"
            )
            assert answer["Response"] == "Success", answer
        await pbx.ami.action("Hangup", Channel=call)
        await pbx.ended(call)
        await recording.action("Ping")
        assert [event["Event"] for event in recording.events] == ["FullyBooted"]


@pytest.mark.parametrize("action", ["Ping", "CoreShowChannels"])
async def test_the_rights_that_are_needed_are_there(pbx: PbxUnderTest, action: str) -> None:
    assert (await pbx.ami.action(action))["Response"] == "Success"


async def test_caller_ids_of_source_and_destination_in_utf_8(pbx: PbxUnderTest) -> None:
    source, destination = await pbx.phone("0003*210"), await pbx.phone("0003*211")
    await pbx.call(
        "PJSIP/0003*210",
        "PJSIP/0003*211",
        "BRIDGE_DESTINATION_CALLER_NAME=Žofia Ö",
        "BRIDGE_DESTINATION_CALLER_NUMBER=4242",
        caller_id='"Ján Š" <5551>',
    )
    seen = [(await phone.next_call()).arrived for phone in (source, destination)]
    assert seen[0] is not None
    assert seen[1] is not None
    assert seen[0].get("from").startswith('"Ján Š" <sip:5551@')
    assert seen[1].get("from").startswith('"Žofia Ö" <sip:4242@')


@pytest.mark.parametrize("codecs", ["ulaw", "ulaw,h264"])
async def test_a_fork_has_one_winner_and_no_missed_call(pbx: PbxUnderTest, codecs: str) -> None:
    slow, fast = await pbx.phone("0003*210"), await pbx.phone("0003*211")
    destination = await pbx.phone("0003*212")
    slow.answer = None
    call = await pbx.call("PJSIP/0003*210&PJSIP/0003*211", "PJSIP/0003*212", codecs=codecs)
    lost, won, reached = [await phone.next_call() for phone in (slow, fast, destination)]
    await asyncio.wait_for(lost.ended.wait(), 5)
    assert "Call completed elsewhere" in lost.end_reason
    losing = await pbx.ami.wait_for(
        lambda event: event["Event"] == "Hangup" and "0003*210" in event["Channel"]
    )
    assert losing["Cause"] == "26"
    for dialog in (lost, won):
        assert dialog.arrived is not None
        assert dialog.arrived.get("from").startswith('"Source" <sip:5551@')
        assert ("m=video" in dialog.arrived.body) is ("h264" in codecs)
    assert not reached.ended.is_set()
    await pbx.ami.action("Hangup", Channel=call)
    for dialog in (won, reached):
        await asyncio.wait_for(dialog.ended.wait(), 5)


async def test_a_public_number_is_shown_as_it_was_dialled(pbx: PbxUnderTest) -> None:
    await pbx.phone("0003*210")
    call = await pbx.call("PJSIP/0003*210", "PJSIP/3235550200@trunk")
    await pbx.bridged(call)
    up = await pbx.ami.wait_for(
        lambda event: event["Event"] == "Newstate" and "trunk" in event["Channel"]
    )
    assert (up["CallerIDNum"], up["Linkedid"]) == ("3235550200", call)
    assert pbx.asterisk.pbx.problems() == []


@pytest.mark.parametrize(
    ("number", "cause"),
    [("3235550486", "17"), ("3235550503", "34"), ("3235550404", "1"), ("3235550603", "21")],
)
async def test_the_source_hears_why_the_destination_failed(
    pbx: PbxUnderTest, number: str, cause: str
) -> None:
    await pbx.phone("0003*210")
    call = await pbx.call("PJSIP/0003*210", f"PJSIP/{number}@trunk")
    assert (await pbx.ended(call))["Cause"] == cause


async def test_a_destination_that_does_not_answer_in_its_time(pbx: PbxUnderTest) -> None:
    await pbx.phone("0003*210")
    call = await pbx.call("PJSIP/0003*210", "PJSIP/3235550180@trunk", "BRIDGE_DESTINATION_WAIT_S=1")
    assert (await pbx.ended(call))["Cause"] == "19"


NUMBERS = {
    "0003*211": 200,
    "211": 200,
    "00": 200,
    "0003*00": 200,
    "0003*300": 200,
    "0003*400": 200,
    "0003*500": 200,
    "0003*219": 404,
    "5354353": 200,
    "5302040": 200,
    "3235742879": 200,
    "+3235742879": 200,
    "3235550201": 200,
    "3235550202": 200,
    "3235552001": 200,
    "3235553001": 200,
    "3235550403": 403,
    "3235550404": 404,
    "3235550410": 410,
    "3235550480": 480,
    "3235550484": 484,
    "3235550486": 486,
    "3235550488": 488,
    "3235550500": 500,
    "3235550503": 503,
    "3235550603": 403,  # Asterisk tells a caller 403 for a refusal
    "12345": 484,
    "1234567890123456": 484,
}


async def test_numbers_a_phone_dials(pbx: PbxUnderTest) -> None:
    phone = await pbx.phone("0003*210")
    await pbx.phone("0003*211")
    statuses = {number: await pbx.status_of_dialling(phone, number) for number in NUMBERS}
    assert statuses == NUMBERS
    assert pbx.asterisk.public_network is not None
    assert pbx.asterisk.public_network.problems() == []


async def test_a_number_that_hangs_up_after_a_second(pbx: PbxUnderTest) -> None:
    phone = await pbx.phone("0003*210")
    dialog = await phone.dial("3235551001")
    assert await phone.final_status(dialog) == 200
    await asyncio.wait_for(dialog.ended.wait(), 4)


async def test_a_call_comes_in_with_its_caller_id(pbx: PbxUnderTest) -> None:
    phone = await pbx.phone("0003*210")
    await pbx.asterisk.call_in(
        "+5550003210", caller_number="+421900", caller_name="Ján-K", does="hangup-2"
    )
    dialog = await phone.next_call()
    began = time.monotonic()
    assert dialog.arrived is not None
    assert dialog.arrived.get("from").startswith('"Ján-K" <sip:+421900@')
    await asyncio.wait_for(dialog.ended.wait(), 5)
    assert time.monotonic() - began > 1.8
    arrived = await pbx.ami.wait_for(
        lambda event: event["Event"] == "Newchannel" and "PJSIP/trunk" in event["Channel"]
    )
    assert (arrived["Context"], arrived["Exten"]) == ("from-trunk", "+5550003210")


async def test_a_call_to_an_unknown_number_is_refused(pbx: PbxUnderTest) -> None:
    await pbx.asterisk.call_in("123456")
    ended = await pbx.ami.wait_for(lambda event: event["Event"] == "Hangup")
    assert (ended["Cause"], ended.get("TechCause")) == ("1", "404")


@pytest.mark.parametrize(
    ("context", "target", "result"),
    [
        ("transfer-local", "3235550201", "404"),
        ("transfer-local", "0003*212", "200"),
        ("transfer-local", "212", "200"),
        ("transfer-local", "0003*400", "200"),
        ("transfer-any", "3235550201", "200"),
    ],
)
async def test_where_a_call_may_be_transferred(
    pbx: PbxUnderTest, context: str, target: str, result: str
) -> None:
    phone = await pbx.phone("0003*210")
    await pbx.phone("0003*212")
    call = await pbx.call(
        "PJSIP/0003*210", "PJSIP/3235550200@trunk", f"__TRANSFER_CONTEXT={context}"
    )
    dialog = await phone.next_call()
    # The destination enters first; a REFER before the source is in is a 400.
    await pbx.bridged(call)
    assert await phone.refer(dialog, target) == 202
    async with asyncio.timeout(5):
        while not (last := await phone.notified.get()).startswith(f"SIP/2.0 {result}"):
            assert "100" in last or "180" in last, last
    if result == "200":
        moved = await pbx.ami.wait_for(lambda event: event["Event"] == "BlindTransfer")
        assert (moved["Result"], moved["TransfererUniqueid"]) == ("Success", call)
    else:
        assert not dialog.ended.is_set()


async def test_a_change_of_a_phone_counts_at_once(pbx: PbxUnderTest) -> None:
    phone = await pbx.phone("0003*210")
    other = await pbx.phone("0003*211")
    await pbx.provision(
        "endpoint", "0003*210", aors="0003*210", context="phones", callerid="New <77>"
    )
    dialog = await phone.dial("0003*211")
    arrived = (await other.next_call()).arrived
    assert arrived is not None
    assert "<sip:77@" in arrived.get("from")
    await phone.hang_up(dialog)
    await pbx.unprovision("endpoint", "0003*210")
    assert await pbx.status_of_dialling(phone, "0003*211") == 401
