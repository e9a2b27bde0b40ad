"""The headers of AMI events: the channel in them, its texts, its moment. Asterisk 16 to 23.

Header names are exact, as Asterisk writes them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bridge.calls.state.pbx_events import ChannelSnapshot, ChannelState
from bridge.pbx.ami.browser_endpoints import extension_endpoint

Headers = Mapping[str, str]

_STATES = {str(int(state)): state for state in ChannelState if state is not ChannelState.OTHER}
_ABSENT = ("<unknown>", "<none>")
MAILBOX_CONTEXT = "uapi-voicemail"
_FORWARDED_FROM = "~"
_ESCAPED = re.compile(r"\\(.)")
_CONTROL_ESCAPES = frozenset("abfnrtv")


def event_time_ms(headers: Headers, otherwise: int) -> int:
    """The moment of an event on the PBX's clock, in milliseconds; `otherwise` if it has no valid
    Timestamp."""
    try:
        return int(float(headers["Timestamp"]) * 1000)
    except (KeyError, ValueError, OverflowError):
        return otherwise


def endpoint_of(channel_name: str) -> str:
    """`PJSIP/0003*210-0000001a` → `PJSIP/0003*210`; `Local/x@y-00000001;1` → `Local/x@y`.

    A browser is a phone of its extension: `PJSIP/0003*210-web-0000001a` → `PJSIP/0003*210`.
    """
    endpoint, dash, _ = channel_name.rpartition("-")
    return extension_endpoint(endpoint) if dash else channel_name


def decode_channel(
    headers: Headers, prefix: str = "", context: str = "", bridge: str = ""
) -> ChannelSnapshot:
    """The channel of an event; `prefix` as in `DestChannel`. `context` and `bridge`: where it is
    known to be."""
    get = headers.get
    name = headers[prefix + "Channel"]
    uniqueid = headers[prefix + "Uniqueid"]
    return ChannelSnapshot(
        uniqueid=uniqueid,
        linkedid=get(prefix + "Linkedid") or uniqueid,
        name=name,
        endpoint=endpoint_of(name),
        state=state_of(headers, prefix),
        # A dialled channel is named after the exten that dials it, until its subroutine has run.
        caller_number=text_of(headers, prefix + "CallerIDNum").partition(_FORWARDED_FROM)[0],
        caller_name=name_of(headers, prefix + "CallerIDName"),
        exten=exten_of(headers, prefix),
        mailbox=get(prefix + "Exten", "") if get(prefix + "Context") == MAILBOX_CONTEXT else "",
        context=context,
        bridge=bridge,
    )


def decode_listed_channel(headers: Headers) -> ChannelSnapshot:
    """The channel of a CoreShowChannel, which tells its place and its bridge as well."""
    # Not by `replace`: a list may have thousands, and the calls wait for it.
    return decode_channel(headers, "", headers.get("Context", ""), headers.get("BridgeId", ""))


def text_of(headers: Headers, name: str) -> str:
    """The value of that header; empty where Asterisk has none."""
    value = headers.get(name, "")
    return "" if value in _ABSENT else value


def name_of(headers: Headers, name: str) -> str:
    """The name in that header, on one line.

    Asterisk escapes names, and nothing else, as in C: `it\\'s`, `who\\?` (ast_escape_c).
    """
    value = text_of(headers, name)
    if "\\" not in value:
        return value
    return _ESCAPED.sub(lambda found: " " if found[1] in _CONTROL_ESCAPES else found[1], value)


def ids_of(headers: Headers) -> tuple[str, str]:
    """Uniqueid and Linkedid of the channel of an event. Raises KeyError."""
    uniqueid = headers["Uniqueid"]
    return uniqueid, headers.get("Linkedid") or uniqueid


def number_of(headers: Headers, name: str) -> int:
    """The whole number in that header; 0 without one."""
    try:
        return int(headers[name])
    except (KeyError, ValueError):
        return 0


def state_of(headers: Headers, prefix: str = "") -> ChannelState:
    """The state of the channel of an event; `prefix` as in `DestChannelState`."""
    return _STATES.get(headers.get(prefix + "ChannelState", ""), ChannelState.OTHER)


def exten_of(headers: Headers, prefix: str = "") -> str:
    """The exten that the channel is at, without the phone that it was forwarded from."""
    return headers.get(prefix + "Exten", "").partition(_FORWARDED_FROM)[0]


def forwarded_from(headers: Headers) -> str:
    """The phone that the exten names as the one that forwards; empty if none does.

    It is 0003*212~0003*211 then (extensions-bridge.conf).
    """
    return headers.get("Exten", "").partition(_FORWARDED_FROM)[2]
