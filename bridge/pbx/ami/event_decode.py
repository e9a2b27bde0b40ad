"""AMI event → typed event. Pure: no clock, no state; an unknown event is None.

The headers are those of Asterisk 16 to 23; bridge/pbx/ami/event_headers.py reads them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bridge.calls.state.hangup_causes import NO_ANSWER
from bridge.calls.state.pbx_events import (
    ChannelAppeared,
    ChannelBridged,
    ChannelHungUp,
    ChannelParked,
    ChannelRuns,
    ChannelStateChanged,
    ConferenceJoined,
    ConferenceLeft,
    DialBegun,
    DialEnded,
    DialProgressed,
    DialStatus,
    DigitHeard,
    HangupRequested,
    HoldBegun,
    HoldEnded,
    MailboxChanged,
    MailboxReached,
    OriginateEnded,
    PbxEvent,
    PhoneReachability,
    PhoneRegistered,
    PhoneUnregistered,
    QueueLeft,
    Transferred,
)
from bridge.pbx.ami.browser_endpoints import extension_endpoint, is_browser_endpoint
from bridge.pbx.ami.check_call_id import is_of_check
from bridge.pbx.ami.event_headers import (
    MAILBOX_CONTEXT,
    Headers,
    decode_channel,
    event_time_ms,
    exten_of,
    forwarded_from,
    ids_of,
    name_of,
    number_of,
    state_of,
    text_of,
)
from bridge.pbx.ami.originate import ACTION_ID_PREFIX

_DIAL_STATUSES = {status.value: status for status in DialStatus}
_CALLER_CONTEXT = "uapi-voicemail-caller"
_FORWARDING_CONTEXT = "bridge-phone"
_TELLS_WHY = ("not-answered", "bridge-phone", "bridge-source")
"""Contexts of extensions-bridge.conf: a channel whose dial rang out leaves them with cause 19."""
_RANG_OUT = {"s-NOANSWER": True, "s-CHANUNAVAIL": False}
"""Many dialplans go on at `s-${DIALSTATUS}`. Of a phone that rang, Dial says CHANUNAVAIL only if
somebody else hung it up without a cause."""
_DIGIT = re.compile(r"[0-9*#A-D]\Z")


def decode_event(headers: Headers, received_ms: int) -> PbxEvent | None:
    """The typed event, None if nobody needs it.

    `received_ms` is its moment where the PBX sends no Timestamp (timestampevents=no). Raises
    KeyError or ValueError for an event without the fields that it must have.
    """
    decoder = _DECODERS.get(headers.get("Event", ""))
    if decoder is None or is_of_check(headers):
        return None
    return decoder(headers, event_time_ms(headers, received_ms))


def _new_channel(headers: Headers, at_ms: int) -> PbxEvent:
    return ChannelAppeared(at_ms, *ids_of(headers), decode_channel(headers))


def _new_state(headers: Headers, at_ms: int) -> PbxEvent:
    state = state_of(headers)
    return ChannelStateChanged(at_ms, *ids_of(headers), state)


def _dial_begin(headers: Headers, at_ms: int) -> PbxEvent:
    return DialBegun(
        at_ms,
        headers.get("Uniqueid") or None,
        decode_channel(headers, "Dest"),
        extension_endpoint(headers.get("DialString", "")),
        _forwarded_from(headers),
        text_of(headers, "CallerIDNum"),
        name_of(headers, "CallerIDName"),
        exten_of(headers),
        _is_by_queue(headers),
    )


def _is_by_queue(headers: Headers) -> bool:
    """app_queue tells its agents' channels with their technology: `PJSIP/211`. Dial tells `211`."""
    technology, slash, _ = headers.get("DestChannel", "").partition("/")
    return headers.get("DialString", "").startswith(technology + slash)


def _forwarded_from(headers: Headers) -> str:
    """The phone that the dialling channel forwards for; empty where it forwards for none."""
    return forwarded_from(headers) if headers.get("Context") == _FORWARDING_CONTEXT else ""


def _dial_end(headers: Headers, at_ms: int) -> PbxEvent:
    dialled = headers["DestUniqueid"]
    return DialEnded(
        at_ms,
        headers.get("Uniqueid") or None,
        dialled,
        headers.get("DestLinkedid") or dialled,
        _DIAL_STATUSES.get(headers.get("DialStatus", ""), DialStatus.OTHER),
        forwards=bool(headers.get("Forward")),
        caller_exten=exten_of(headers),
    )


def _dial_state(headers: Headers, at_ms: int) -> PbxEvent | None:
    """PROGRESS only: a phone that rings (180) is told by its channel's state as well."""
    if headers.get("DialStatus") != "PROGRESS":
        return None
    dialled = headers["DestUniqueid"]
    return DialProgressed(at_ms, dialled, headers.get("DestLinkedid") or dialled)


def _originate_response(headers: Headers, at_ms: int) -> PbxEvent:
    # Without a channel, older versions send "<unknown>" instead of our id.
    call_id = text_of(headers, "Uniqueid")
    action_id = headers.get("ActionID", "")
    if action_id.startswith(ACTION_ID_PREFIX):
        call_id = action_id.removeprefix(ACTION_ID_PREFIX)
    succeeded = headers["Response"] == "Success"
    return OriginateEnded(
        at_ms,
        call_id,
        succeeded,
        number_of(headers, "Reason"),
        headers.get("Exten", ""),
        headers.get("Application", ""),
        "" if succeeded else headers.get("Channel", ""),
    )


def _hangup_request(headers: Headers, at_ms: int) -> PbxEvent:
    return HangupRequested(at_ms, *ids_of(headers), number_of(headers, "Cause"))


def _hangup(headers: Headers, at_ms: int) -> PbxEvent:
    cause, sip_code = number_of(headers, "Cause"), number_of(headers, "TechCause")
    said = sip_code if 100 <= sip_code <= 699 else None
    rang_out = _RANG_OUT.get(headers.get("Exten", ""))
    if headers.get("Context") in _TELLS_WHY:
        rang_out = cause == NO_ANSWER
    return ChannelHungUp(at_ms, *ids_of(headers), cause, said, rang_out)


def _bridge_enter(headers: Headers, at_ms: int) -> PbxEvent | None:
    """Of bridges of a talk: Asterisk joins the Linkedids of their channels, and of no others.

    A conference, a parking lot and the agents of a queue wait in bridges of other types.
    """
    if headers.get("BridgeType") != "basic":
        return None
    state = state_of(headers)
    return ChannelBridged(at_ms, *ids_of(headers), state, headers["BridgeUniqueid"])


def decode_parked_call(headers: Headers, at_ms: int) -> ChannelParked:
    """A ParkedCall, which is an event and an item of ParkedCalls; that tells since when, too."""
    at_ms -= 1000 * number_of(headers, "ParkingDuration")
    uniqueid = headers["ParkeeUniqueid"]
    linkedid = headers.get("ParkeeLinkedid") or uniqueid
    slot = headers.get("ParkingSpace", "")
    parker = extension_endpoint(headers.get("ParkerDialString", ""))
    return ChannelParked(at_ms, uniqueid, linkedid, slot, parker)


def _conference_joined(headers: Headers, at_ms: int) -> PbxEvent:
    exten, conference = headers.get("Exten", ""), headers.get("Conference", "")
    return ConferenceJoined(at_ms, *ids_of(headers), exten, conference)


def _conference_left(headers: Headers, at_ms: int) -> PbxEvent:
    return ConferenceLeft(at_ms, *ids_of(headers), exten_of(headers))


def _queue_left(headers: Headers, at_ms: int) -> PbxEvent:
    return QueueLeft(at_ms, *ids_of(headers), exten_of(headers))


def _status(headers: Headers, at_ms: int) -> PbxEvent:
    """The answer to the action Status of one channel."""
    application, data = headers.get("Application", ""), headers.get("Data", "")
    where = exten_of(headers), headers.get("Context", "")
    return ChannelRuns(at_ms, *ids_of(headers), application, data, *where)


def _message_waiting(headers: Headers, at_ms: int) -> PbxEvent | None:
    """Of our own mailboxes only (extensions-voicemail.conf)."""
    mailbox, _, context = headers.get("Mailbox", "").partition("@")
    if context == MAILBOX_CONTEXT:
        return MailboxChanged(at_ms, mailbox)
    if context == _CALLER_CONTEXT and headers.get("Uniqueid"):
        return MailboxReached(at_ms, *ids_of(headers), mailbox)
    return None


def _digit(headers: Headers, at_ms: int) -> PbxEvent | None:
    digit = headers["Digit"]
    if headers.get("Direction") != "Received" or not _DIGIT.match(digit):
        return None
    return DigitHeard(at_ms, *ids_of(headers), digit)


def _hold(headers: Headers, at_ms: int) -> PbxEvent:
    return HoldBegun(at_ms, *ids_of(headers))


def _unhold(headers: Headers, at_ms: int) -> PbxEvent:
    return HoldEnded(at_ms, *ids_of(headers))


def _blind_transfer(headers: Headers, at_ms: int) -> PbxEvent:
    transferer = headers["TransfererUniqueid"]
    return Transferred(
        at_ms,
        attended=False,
        transferer=transferer,
        transferer_linkedid=headers.get("TransfererLinkedid") or transferer,
        transferee=headers.get("TransfereeUniqueid", ""),
        target=headers.get("Extension", ""),
        succeeded=headers.get("Result") == "Success",
    )


def _attended_transfer(headers: Headers, at_ms: int) -> PbxEvent:
    """`target` is the uniqueid of the transferer's second channel."""
    transferer = headers["OrigTransfererUniqueid"]
    return Transferred(
        at_ms,
        attended=True,
        transferer=transferer,
        transferer_linkedid=headers.get("OrigTransfererLinkedid") or transferer,
        transferee=headers.get("TransfereeUniqueid", ""),
        target=headers.get("SecondTransfererUniqueid", ""),
        succeeded=headers.get("Result") == "Success",
        target_linkedid=headers.get("SecondTransfererLinkedid", ""),
    )


def _peer_status(headers: Headers, at_ms: int) -> PbxEvent | None:
    """Asterisk sums up all contacts of an endpoint in it, which ContactStatus does not.

    Seen on 22.10.1: a phone that registers from another port causes a ContactStatus for the new
    contact, one (Removed) for the old, and no PeerStatus. An expired one gives Unreachable.
    The endpoint of an extension sums up its browsers too, so that of the browsers says nothing new.
    """
    if is_browser_endpoint(headers["Peer"]):
        return None
    status = headers.get("PeerStatus", "")
    if status in ("Registered", "Reachable"):
        return PhoneReachability(at_ms, headers["Peer"], reachable=True)
    if status in ("Unregistered", "Unreachable", "Rejected"):
        return PhoneReachability(at_ms, headers["Peer"], reachable=False)
    return None


def _contact_status(headers: Headers, at_ms: int) -> PbxEvent | None:
    """With a `qualify_frequency`, PeerStatus waits for the answer to OPTIONS."""
    status = headers.get("ContactStatus")
    if status not in ("Created", "NonQualified", "Removed"):
        return None
    what = PhoneUnregistered if status == "Removed" else PhoneRegistered
    endpoint = extension_endpoint(f"PJSIP/{headers['EndpointName']}")
    return what(at_ms, endpoint, headers.get("URI", ""))


_DECODERS: dict[str, Callable[[Headers, int], PbxEvent | None]] = {
    "Newchannel": _new_channel,
    "Newstate": _new_state,
    "DialBegin": _dial_begin,
    "DialState": _dial_state,
    "DialEnd": _dial_end,
    "OriginateResponse": _originate_response,
    "HangupRequest": _hangup_request,
    "Hangup": _hangup,
    "BridgeEnter": _bridge_enter,
    "ParkedCall": decode_parked_call,
    "ConfbridgeJoin": _conference_joined,
    "ConfbridgeLeave": _conference_left,
    "QueueCallerLeave": _queue_left,
    "MessageWaiting": _message_waiting,
    "DTMFEnd": _digit,
    "Hold": _hold,
    "Unhold": _unhold,
    "BlindTransfer": _blind_transfer,
    "AttendedTransfer": _attended_transfer,
    "PeerStatus": _peer_status,
    "ContactStatus": _contact_status,
}

EVENT_NAMES = frozenset(_DECODERS)
"""Every event that is read, by its name in AMI. Answers to actions come whatever the filters are.
"""

_DECODERS["Status"] = _status
