"""AMI event → typed event. Pure: no clock, no state; an unknown event is None.

The headers are those of Asterisk 16 to 23. Header names are exact, as Asterisk writes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

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
    PbxEvent,
    PhoneReachability,
    Transferred,
)
from bridge.pbx.originate import ACTION_ID_PREFIX

Headers = Mapping[str, str]

_STATES = {str(int(state)): state for state in ChannelState if state is not ChannelState.OTHER}
_DIAL_STATUSES = {status.value: status for status in DialStatus}
_ABSENT = ("<unknown>", "<none>")
_ESCAPED = re.compile(r"\\(.)")
_CONTROL_ESCAPES = frozenset("abfnrtv")


def decode_event(headers: Headers, received_ms: int) -> PbxEvent | None:
    """The typed event, None if nobody needs it.

    `received_ms` is its moment where the PBX sends no Timestamp (timestampevents=no). Raises
    KeyError or ValueError for an event without the fields that it must have.
    """
    decoder = _DECODERS.get(headers.get("Event", ""))
    if decoder is None:
        return None
    return decoder(headers, event_time_ms(headers, received_ms))


def event_time_ms(headers: Headers, otherwise: int) -> int:
    try:
        return int(float(headers["Timestamp"]) * 1000)
    except (KeyError, ValueError, OverflowError):
        return otherwise


def endpoint_of(channel_name: str) -> str:
    """`PJSIP/0003*210-0000001a` → `PJSIP/0003*210`; `Local/x@y-00000001;1` → `Local/x@y`."""
    endpoint, dash, _ = channel_name.rpartition("-")
    return endpoint if dash else channel_name


def decode_channel(headers: Headers, prefix: str = "") -> ChannelSnapshot:
    """The channel of an event or of a CoreShowChannel; `prefix` as in `DestChannel`."""
    get = headers.get
    name = headers[prefix + "Channel"]
    uniqueid = headers[prefix + "Uniqueid"]
    return ChannelSnapshot(
        uniqueid=uniqueid,
        linkedid=get(prefix + "Linkedid") or uniqueid,
        name=name,
        endpoint=endpoint_of(name),
        state=_STATES.get(get(prefix + "ChannelState", ""), ChannelState.OTHER),
        caller_number=_text(headers, prefix + "CallerIDNum"),
        caller_name=_name(headers, prefix + "CallerIDName"),
        exten=get(prefix + "Exten", ""),
    )


def _text(headers: Headers, name: str) -> str:
    value = headers.get(name, "")
    return "" if value in _ABSENT else value


def _name(headers: Headers, name: str) -> str:
    """Asterisk escapes names, and nothing else, as in C: `it\\'s`, `who\\?` (ast_escape_c)."""
    value = _text(headers, name)
    if "\\" not in value:
        return value
    return _ESCAPED.sub(lambda found: " " if found[1] in _CONTROL_ESCAPES else found[1], value)


def _ids(headers: Headers) -> tuple[str, str]:
    uniqueid = headers["Uniqueid"]
    return uniqueid, headers.get("Linkedid") or uniqueid


def _number(headers: Headers, name: str) -> int:
    try:
        return int(headers[name])
    except (KeyError, ValueError):
        return 0


def _new_channel(headers: Headers, at_ms: int) -> PbxEvent:
    return ChannelAppeared(at_ms, *_ids(headers), decode_channel(headers))


def _new_state(headers: Headers, at_ms: int) -> PbxEvent:
    state = _STATES.get(headers.get("ChannelState", ""), ChannelState.OTHER)
    return ChannelStateChanged(at_ms, *_ids(headers), state)


def _dial_begin(headers: Headers, at_ms: int) -> PbxEvent:
    return DialBegun(
        at_ms,
        headers.get("Uniqueid") or None,
        decode_channel(headers, "Dest"),
        headers.get("DialString", ""),
    )


def _dial_end(headers: Headers, at_ms: int) -> PbxEvent:
    dialled = headers["DestUniqueid"]
    return DialEnded(
        at_ms,
        headers.get("Uniqueid") or None,
        dialled,
        headers.get("DestLinkedid") or dialled,
        _DIAL_STATUSES.get(headers.get("DialStatus", ""), DialStatus.OTHER),
    )


def _originate_response(headers: Headers, at_ms: int) -> PbxEvent:
    # Where no channel came to be, older versions say "<unknown>" instead of our id.
    call_id = _text(headers, "Uniqueid")
    action_id = headers.get("ActionID", "")
    if action_id.startswith(ACTION_ID_PREFIX):
        call_id = action_id.removeprefix(ACTION_ID_PREFIX)
    succeeded = headers["Response"] == "Success"
    return OriginateEnded(at_ms, call_id, succeeded, _number(headers, "Reason"))


def _hangup_request(headers: Headers, at_ms: int) -> PbxEvent:
    return HangupRequested(at_ms, *_ids(headers), _number(headers, "Cause"))


def _hangup(headers: Headers, at_ms: int) -> PbxEvent:
    sip_code = _number(headers, "TechCause")
    if not 100 <= sip_code <= 699:
        return ChannelHungUp(at_ms, *_ids(headers), _number(headers, "Cause"))
    return ChannelHungUp(at_ms, *_ids(headers), _number(headers, "Cause"), sip_code)


def _hold(headers: Headers, at_ms: int) -> PbxEvent:
    return HoldBegun(at_ms, *_ids(headers))


def _unhold(headers: Headers, at_ms: int) -> PbxEvent:
    return HoldEnded(at_ms, *_ids(headers))


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

    Seen on 22.10.1: a phone that registers from another port gives one ContactStatus for the new
    and one (Removed) for the old contact, and rightly no PeerStatus; an expired one gives
    Unreachable.
    """
    status = headers.get("PeerStatus", "")
    if status in ("Registered", "Reachable"):
        return PhoneReachability(at_ms, headers["Peer"], reachable=True)
    if status in ("Unregistered", "Unreachable", "Rejected"):
        return PhoneReachability(at_ms, headers["Peer"], reachable=False)
    return None


_DECODERS: dict[str, Callable[[Headers, int], PbxEvent | None]] = {
    "Newchannel": _new_channel,
    "Newstate": _new_state,
    "DialBegin": _dial_begin,
    "DialEnd": _dial_end,
    "OriginateResponse": _originate_response,
    "HangupRequest": _hangup_request,
    "Hangup": _hangup,
    "Hold": _hold,
    "Unhold": _unhold,
    "BlindTransfer": _blind_transfer,
    "AttendedTransfer": _attended_transfer,
    "PeerStatus": _peer_status,
}
