"""The lines that tell of the calls which apps created, from what the PBX said of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from bridge.directory.directory import Directory
from bridge.pbx.ami.event_headers import endpoint_of

from .recorded_events import RecordedEvent

_API_CALL = re.compile(r"[0-9a-f]{20}\Z")


def created_calls(
    events: Iterable[RecordedEvent], directory: Directory, text: str
) -> Iterator[RecordedEvent]:
    """A Story line with `text`, and more of them if apps created several calls.

    The destinations are those that the PBX dialled. Add one that was not dialled by hand.
    """
    known = list(events)
    if not known:
        return
    at_ms = known[0].received_ms
    calls = list(dict.fromkeys(x for e in known if _API_CALL.match(x := _uniqueid(e))))
    for call_id in calls or [""]:
        headers = {"Event": "Story", "Text": text}
        if call_id:
            sources = [x for e in known for x in _dialled_source(e, call_id, directory)]
            targets = [x for e in known for x in _dialled(e, (call_id,), directory)]
            headers |= {
                "CallId": call_id,
                "PublishedMs": str(at_ms),
                "Sources": " ".join(dict.fromkeys(sources)),
                "Destinations": " ".join(dict.fromkeys(x for x in targets if x not in sources)),
                "DurationS": "7200",
            }
        yield RecordedEvent(at_ms, headers)


def _uniqueid(event: RecordedEvent) -> str:
    return event.headers.get("Uniqueid", "") if event.headers["Event"] == "Newchannel" else ""


def _dialled_source(event: RecordedEvent, call_id: str, directory: Directory) -> list[str]:
    """The source, or one of several: a fork's second half rings those."""
    headers = event.headers
    if headers["Event"] == "Newchannel" and headers["Uniqueid"] == call_id:
        if headers["Channel"].startswith("Local/"):
            return []
        return [_number(headers["Channel"], headers.get("CallerIDNum", ""), directory)]
    return _dialled(event, (f"{call_id};2",), directory)


def _dialled(event: RecordedEvent, callers: tuple[str, ...], directory: Directory) -> list[str]:
    headers = event.headers
    if headers["Event"] != "DialBegin" or headers.get("Uniqueid") not in callers:
        return []
    digits = headers.get("DialString", "").partition("@")[0].partition("/")[0]
    return [_number(headers["DestChannel"], digits, directory)]


def _number(channel: str, otherwise: str, directory: Directory) -> str:
    extension = directory.extensions_by_endpoint.get(endpoint_of(channel))
    return extension.number if extension is not None else otherwise
