"""AMI events as Asterisk 22 sends them, and what becomes of them."""

from __future__ import annotations

import pytest

from bridge.calls.pbx_events import (
    ChannelAppeared,
    ChannelHungUp,
    ChannelSnapshot,
    ChannelState,
    ChannelStateChanged,
    DialBegun,
    DialEnded,
    DialStatus,
    HangupRequested,
    HoldBegun,
    HoldEnded,
    OriginateEnded,
    PhoneReachability,
    Transferred,
)
from bridge.pbx.event_decode import decode_event, endpoint_of

CALL = "0123456789abcdef0123"


def channel_headers(prefix: str = "", uniqueid: str = CALL) -> dict[str, str]:
    return {
        prefix + "Channel": "PJSIP/0003*210-0000001a",
        prefix + "ChannelState": "5",
        prefix + "ChannelStateDesc": "Ringing",
        prefix + "CallerIDNum": "0003*210",
        prefix + "CallerIDName": "Ján",
        prefix + "ConnectedLineNum": "<unknown>",
        prefix + "ConnectedLineName": "<unknown>",
        prefix + "AccountCode": "0003*214",
        prefix + "Context": "phones",
        prefix + "Exten": "s",
        prefix + "Uniqueid": uniqueid,
        prefix + "Linkedid": CALL,
    }


def snapshot(uniqueid: str = CALL) -> ChannelSnapshot:
    return ChannelSnapshot(
        uniqueid=uniqueid,
        linkedid=CALL,
        name="PJSIP/0003*210-0000001a",
        endpoint="PJSIP/0003*210",
        state=ChannelState.RINGING,
        caller_number="0003*210",
        caller_name="Ján",
        exten="s",
    )


def decoded(name: str, **headers: str) -> object:
    return decode_event({"Event": name} | headers, 7)


@pytest.mark.parametrize(
    ("name", "endpoint"),
    [
        ("PJSIP/0003*210-0000001a", "PJSIP/0003*210"),
        ("PJSIP/my-phone-0000001a", "PJSIP/my-phone"),
        ("Local/ring@bridge-source-00000001;1", "Local/ring@bridge-source"),
        ("Surrogate", "Surrogate"),
        ("", ""),
    ],
)
def test_endpoint_of_a_channel_name(name: str, endpoint: str) -> None:
    assert endpoint_of(name) == endpoint


def test_channel_events() -> None:
    headers = channel_headers()
    assert decoded("Newchannel", **headers) == ChannelAppeared(7, CALL, CALL, snapshot())
    assert decoded("Newstate", **headers) == ChannelStateChanged(
        7, CALL, CALL, ChannelState.RINGING
    )
    assert decoded("Hold", **headers) == HoldBegun(7, CALL, CALL)
    assert decoded("Unhold", **headers) == HoldEnded(7, CALL, CALL)
    assert decoded("HangupRequest", **headers, Cause="16") == HangupRequested(7, CALL, CALL, 16)


def test_a_dial_of_a_channel_and_of_an_originate() -> None:
    dialled = channel_headers("Dest", "17.2")
    caller = channel_headers()
    assert decoded("DialBegin", **dialled, DialString="0003*210") == DialBegun(
        7, None, snapshot("17.2"), "0003*210"
    )
    assert decoded("DialEnd", **caller, **dialled, DialStatus="BUSY") == DialEnded(
        7, CALL, "17.2", CALL, DialStatus.BUSY
    )
    assert decoded("DialEnd", **dialled, DialStatus="NEW IN 25") == DialEnded(
        7, None, "17.2", CALL, DialStatus.OTHER
    )


@pytest.mark.parametrize(
    ("tech_cause", "sip_code"), [("486", 486), ("", None), ("0", None), ("x", None), ("17", None)]
)
def test_hangup(tech_cause: str, sip_code: int | None) -> None:
    headers = {"Uniqueid": "17.2", "Linkedid": CALL, "Cause": "17", "TechCause": tech_cause}
    assert decoded("Hangup", **headers) == ChannelHungUp(7, "17.2", CALL, 17, sip_code)


def test_originate_response_of_a_call_without_a_channel() -> None:
    headers = {"Response": "Failure", "Reason": "0", "Uniqueid": "<unknown>"}
    assert decoded("OriginateResponse", **headers, ActionID=f"call-{CALL}") == OriginateEnded(
        7, CALL, succeeded=False, reason=0
    )
    headers = {"Response": "Success", "Reason": "4", "Uniqueid": CALL, "ActionID": "another"}
    assert decoded("OriginateResponse", **headers) == OriginateEnded(
        7, CALL, succeeded=True, reason=4
    )


def test_transfers() -> None:
    blind = {
        "Result": "Success",
        "TransfererUniqueid": "1.1",
        "TransfererLinkedid": CALL,
        "TransfereeUniqueid": "1.2",
        "Extension": "0003*212",
    }
    assert decoded("BlindTransfer", **blind) == Transferred(
        7, False, "1.1", CALL, "1.2", "0003*212", True
    )
    attended = {
        "Result": "Fail",
        "OrigTransfererUniqueid": "1.1",
        "OrigTransfererLinkedid": CALL,
        "SecondTransfererUniqueid": "1.3",
        "TransfereeUniqueid": "1.2",
    }
    assert decoded("AttendedTransfer", **attended) == Transferred(
        7, True, "1.1", CALL, "1.2", "1.3", False
    )


@pytest.mark.parametrize(
    ("status", "reachable"),
    [("Registered", True), ("Reachable", True), ("Unregistered", False), ("Unreachable", False)],
)
def test_peer_status(status: str, reachable: bool) -> None:
    event = decoded("PeerStatus", Peer="PJSIP/0003*210", PeerStatus=status)
    assert event == PhoneReachability(7, "PJSIP/0003*210", reachable)


def test_what_nobody_needs() -> None:
    assert decoded("VarSet", Variable="x") is None
    assert decoded("PeerStatus", Peer="PJSIP/0003*210", PeerStatus="Lagged") is None
    assert decode_event({}, 7) is None


@pytest.mark.parametrize(
    ("timestamp", "at_ms"),
    [("1795300210.553123", 1795300210553), ("", 7), ("soon", 7), ("inf", 7), ("nan", 7)],
)
def test_the_moment_is_that_of_the_pbx(timestamp: str, at_ms: int) -> None:
    event = decoded("Hangup", Uniqueid="u", Timestamp=timestamp)
    assert isinstance(event, ChannelHungUp)
    assert event.at_ms == at_ms


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        (r"it\'s", "it's"),
        (r"who\?", "who?"),
        (r"a\\b", r"a\b"),
        (r"say \"x\"", 'say "x"'),
        (r"line\nline", "line line"),
        ("end\\", "end\\"),
        ("<unknown>", ""),
    ],
)
def test_names_are_escaped_by_asterisk(sent: str, name: str) -> None:
    event = decoded("Newchannel", **(channel_headers() | {"CallerIDName": sent}))
    assert isinstance(event, ChannelAppeared)
    assert event.channel.caller_name == name


def test_an_event_without_what_it_must_have_is_an_error() -> None:
    with pytest.raises(KeyError):
        decoded("Newchannel", Uniqueid="u")
