"""AMI events as Asterisk 22 sends them, and what becomes of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.calls.state.pbx_events import (
    ChannelAppeared,
    ChannelBridged,
    ChannelHungUp,
    ChannelParked,
    ChannelRuns,
    ChannelSnapshot,
    ChannelState,
    ChannelStateChanged,
    ConferenceJoined,
    ConferenceLeft,
    DialBegun,
    DialEnded,
    DialProgressed,
    DialStatus,
    HangupRequested,
    HoldBegun,
    HoldEnded,
    MailboxChanged,
    MailboxReached,
    OriginateEnded,
    PhoneReachability,
    PhoneRegistered,
    PhoneUnregistered,
    QueueLeft,
    Transferred,
)
from bridge.pbx.ami.event_decode import decode_event
from bridge.pbx.ami.event_headers import decode_listed_channel, endpoint_of

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


def test_given_a_listed_channel_then_its_place_and_its_bridge_are_told() -> None:
    listed = channel_headers() | {"BridgeId": "7a"}
    assert decode_listed_channel(listed) == replace(snapshot(), context="phones", bridge="7a")


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


@pytest.mark.parametrize(
    ("context", "cause", "rang_out"),
    [
        ("not-answered", "19", True),
        ("not-answered", "20", False),
        ("bridge-phone", "0", False),
        ("bridge-source", "16", False),
        ("from-internal", "19", None),
        ("from-internal s-NOANSWER", "16", True),
        ("from-internal s-CHANUNAVAIL", "34", False),
        ("from-internal s-BUSY", "17", None),
        ("", "0", None),
    ],
)
def test_a_hangup_at_some_places_of_the_dialplan_tells_whether_time_was_over(
    context: str, cause: str, rang_out: bool | None
) -> None:
    context, _, exten = context.partition(" ")
    headers = {**channel_headers(), "Context": context, "Exten": exten, "Cause": cause}
    hung_up = decoded("Hangup", **headers)
    assert isinstance(hung_up, ChannelHungUp)
    assert hung_up.rang_out is rang_out


def test_a_dial_of_a_channel_and_of_an_originate() -> None:
    dialled = channel_headers("Dest", "17.2")
    caller = channel_headers()
    assert decoded("DialBegin", **dialled, DialString="0003*210") == DialBegun(
        7, None, snapshot("17.2"), "0003*210"
    )
    assert decoded("DialEnd", **caller, **dialled, DialStatus="BUSY") == DialEnded(
        7, CALL, "17.2", CALL, DialStatus.BUSY, caller_exten="s"
    )
    assert decoded("DialEnd", **dialled, DialStatus="NEW IN 25") == DialEnded(
        7, None, "17.2", CALL, DialStatus.OTHER
    )
    assert decoded("DialState", **dialled, DialStatus="PROGRESS") == DialProgressed(7, "17.2", CALL)
    for other in ("RINGING", "PROCEEDING", ""):
        assert decoded("DialState", **dialled, DialStatus=other) is None


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


def test_bridges_of_talks_and_no_others() -> None:
    entered = {"Uniqueid": "1.1", "Linkedid": CALL, "ChannelState": "6", "BridgeUniqueid": "b-1"}
    talk = ChannelBridged(7, "1.1", CALL, ChannelState.UP, "b-1")
    assert decoded("BridgeEnter", BridgeType="basic", **entered) == talk
    for other in ("base", "parking", "stasis"):
        assert decoded("BridgeEnter", BridgeType=other, **entered) is None


def test_a_parked_channel() -> None:
    parked = {"ParkeeUniqueid": "1.1", "ParkeeLinkedid": CALL, "ParkingSpace": "701"}
    assert decoded("ParkedCall", **parked) == ChannelParked(7, "1.1", CALL, "701")
    listed = ChannelParked(7 - 3000, "1.1", CALL, "701")
    assert decoded("ParkedCall", ParkingDuration="3", **parked) == listed
    by_phone = ChannelParked(7, "1.1", CALL, "701", "PJSIP/211")
    assert decoded("ParkedCall", ParkerDialString="PJSIP/211", **parked) == by_phone


def test_a_channel_in_a_conference() -> None:
    channel = {"Uniqueid": "1.1", "Linkedid": CALL}
    joined = decoded("ConfbridgeJoin", **channel, Exten="500", Conference="sales")
    assert joined == ConferenceJoined(7, "1.1", CALL, "500", "sales")
    left = decoded("ConfbridgeLeave", **channel, Exten="212")
    assert left == ConferenceLeft(7, "1.1", CALL, "212")


def test_a_channel_that_leaves_a_queue() -> None:
    channel = {"Uniqueid": "1.1", "Linkedid": CALL}
    assert decoded("QueueCallerLeave", **channel, Exten="212") == QueueLeft(7, "1.1", CALL, "212")


def test_what_a_channel_does() -> None:
    channel = {"Uniqueid": "1.1", "Linkedid": CALL, "Context": "vm", "Exten": "213"}
    runs = decoded("Status", **channel, Application="VoiceMail", Data="213@default,u")
    assert runs == ChannelRuns(7, "1.1", CALL, "VoiceMail", "213@default,u", "213", "vm")


@pytest.mark.parametrize(
    ("channel", "dial_string", "by_queue"),
    [
        ("PJSIP/211-00000001", "PJSIP/211", True),
        ("PJSIP/211-00000001", "211", False),
        ("Local/211@from-queue-00000001;1", "Local/211@from-queue/n", True),
        ("Local/211@from-internal-00000001;1", "211@from-internal", False),
    ],
)
def test_who_rings_an_agent(channel: str, dial_string: str, by_queue: bool) -> None:
    dialled = {"DestChannel": channel, "DestUniqueid": "1.2", "DialString": dial_string}
    event = decoded("DialBegin", **dialled, Uniqueid="1.1")
    assert isinstance(event, DialBegun)
    assert event.by_queue is by_queue


def test_a_mailbox() -> None:
    assert decoded("MessageWaiting", Mailbox="0003*211@uapi-voicemail") == MailboxChanged(
        7, "0003*211"
    )
    reached = {"Mailbox": "0003*211@uapi-voicemail-caller", "Uniqueid": "1.1", "Linkedid": CALL}
    assert decoded("MessageWaiting", **reached) == MailboxReached(7, "1.1", CALL, "0003*211")
    assert decoded("MessageWaiting", Mailbox="211@default", Uniqueid="1.1") is None


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


def test_a_contact_that_comes_or_goes_is_a_registration_and_its_end() -> None:
    contact = {"URI": "sip:0003*210@127.0.0.1:9", "AOR": "0003*210", "EndpointName": "0003*210"}
    for status in ("Created", "NonQualified"):
        event = decoded("ContactStatus", ContactStatus=status, **contact)
        assert isinstance(event, PhoneRegistered)
        assert (event.endpoint, event.contact) == ("PJSIP/0003*210", contact["URI"])
    gone = decoded("ContactStatus", ContactStatus="Removed", **contact)
    assert isinstance(gone, PhoneUnregistered)
    assert (gone.endpoint, gone.contact) == ("PJSIP/0003*210", contact["URI"])
    for status in ("Reachable", "Unreachable", "Unknown", "Updated"):
        assert decoded("ContactStatus", ContactStatus=status, **contact) is None
    assert decode_event({}, 7) is None


def test_a_browser_is_a_phone_of_its_extension() -> None:
    assert endpoint_of("PJSIP/0003*210-web-0000001a") == "PJSIP/0003*210"
    assert endpoint_of("PJSIP/alice-web-0000001a") == "PJSIP/alice-web"  # of somebody's own
    dialled = {"DestChannel": "PJSIP/0003*210-web-0000001a", "DestUniqueid": "1.2"}
    event = decoded("DialBegin", **dialled, DialString="0003*210-web/sip:x@1.2.3.4;transport=WS")
    assert isinstance(event, DialBegun)
    assert event.dialled.endpoint == "PJSIP/0003*210"
    assert event.dial_string == "0003*210/sip:x@1.2.3.4;transport=WS"
    contact = {"URI": "sip:x@127.0.0.1:9", "AOR": "0003*210-web", "EndpointName": "0003*210-web"}
    event = decoded("ContactStatus", ContactStatus="NonQualified", **contact)
    assert isinstance(event, PhoneRegistered)
    assert event.endpoint == "PJSIP/0003*210"
    # The endpoint of the extension, which has both aors, says it too.
    assert decoded("PeerStatus", Peer="PJSIP/0003*210-web", PeerStatus="Unreachable") is None
    parked = {"ParkeeUniqueid": "1.1", "ParkerDialString": "PJSIP/0003*210-web"}
    event = decoded("ParkedCall", **parked)
    assert isinstance(event, ChannelParked)
    assert event.parker == "PJSIP/0003*210"


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


@pytest.mark.parametrize(
    ("context", "exten", "forwarded_from"),
    [
        ("bridge-phone", "0003*212~0003*211", "0003*211"),
        ("bridge-phone", "3235550200~0003*211", "0003*211"),
        ("bridge-phone", "0003*211", ""),
        ("phones", "212~0003*211", ""),
    ],
)
def test_given_a_dial_in_the_dialplan_of_forwards_then_its_exten_says_who_forwarded(
    context: str, exten: str, forwarded_from: str
) -> None:
    """What a phone dials is in a context of its own, whatever it looks like."""
    headers = {
        **channel_headers(),
        **channel_headers("Dest", "1700000000.7"),
        "Event": "DialBegin",
        "Context": context,
        "Exten": exten,
        "DialString": "0003*212",
    }
    event = decode_event(headers, 0)
    assert isinstance(event, DialBegun)
    assert event.forwarded_from == forwarded_from


def test_given_a_forwarded_channel_then_its_exten_is_what_is_called_alone() -> None:
    headers = {**channel_headers(), "Event": "Newchannel", "Exten": "0003*212~0003*211"}
    event = decode_event(headers, 0)
    assert isinstance(event, ChannelAppeared)
    assert event.channel.exten == "0003*212"
