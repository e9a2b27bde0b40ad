"""A conversation as `verbacdr`, with the names of docs/reference/verba.md §6.

All moments are GMT.
"""

from __future__ import annotations

from bridge.calls.state.hangup_causes import NORMAL_CLEARING
from bridge.http.verba.answer import Element
from bridge.http.verba.parameters import date_text
from bridge.recordings.conversation import Media, StoredConversation

_ONGOING, _FINISHED = "0", "1"
_INTERNAL, _OUTGOING, _INCOMING = "0", "2", "1"
_DIRECTION = {2: _INTERNAL, 4: _OUTGOING, 8: _INCOMING}
_SIP = "2"
_NORMAL = "0"


def verbacdr(stored: StoredConversation, metadata: dict[str, str] | None = None) -> Element:
    """The conversation as an element with its media and metadata (docs/reference/verba.md §6).

    Its attribute `state` says whether the conversation is going on.
    """
    one = stored.conversation
    cause = _NORMAL if one.cause in (None, NORMAL_CLEARING) else str(one.cause)
    values = {
        "ccdr_id": one.id,
        "native_id": one.native_id,
        "platform_call_id": one.linkedid,
        "meeting_id": one.meeting_id,
        "location": one.pbx,
        "source_caller_id": one.source.number,
        "source_name": one.source.name,
        "destination_caller_id": one.destination.number,
        "destination_name": one.destination.name,
        "start_time": date_text(one.started_ms),
        "end_time": date_text(one.ended_ms) if one.ended_ms is not None else "",
        "duration": _duration(one.started_ms, one.ended_ms),
        "direction_id": _DIRECTION.get(one.direction, _INTERNAL),
        "cause_id": cause if one.ended_ms is not None else "",
        "signaling_id": _SIP,
        "recorded_party": one.extension or "",
        "user_id": str(one.user_id or ""),
        "user_name": one.user_name,
        "verba_user_name": one.user_name,  # as clients read it
        "ondemand": _boolean(one.on_demand),
        "conference": _boolean(bool(one.meeting_id)),
        "secondary": _boolean(False),
        "do_not_delete": _boolean(stored.marks.protected),
        "phone_call_id": one.call_id,
    }
    children = [Element(name, value) for name, value in values.items()]
    children += [_media(x) for x in one.media]
    if stored.marks.failure is not None:
        children.append(Element("being_deleted", stored.marks.failure))
    children += [
        Element("metadata", value, {"name": name}) for name, value in (metadata or {}).items()
    ]
    state = _ONGOING if one.ended_ms is None else _FINISHED
    return Element("verbacdr", "", {"state": state}, tuple(children))


def _boolean(value: bool) -> str:
    """As the vendor's sample has it."""
    return "true" if value else "false"


def _duration(started_ms: int, ended_ms: int | None) -> str:
    """HH:MM:SS; empty while the call is ongoing."""
    if ended_ms is None:
        return ""
    seconds = max(0, ended_ms - started_ms) // 1000
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _media(media: Media) -> Element:
    attributes = {
        "part": str(media.part),
        "name": media.name,
        "format": media.format,
        "start_time": date_text(media.started_ms),
    }
    if media.ended_ms is not None:
        attributes["end_time"] = date_text(media.ended_ms)
    if media.bytes is not None:
        attributes |= {
            "bytes": str(media.bytes),
            "length_ms": str(media.length_ms or 0),
            "sha256": media.sha256,
        }
    return Element("media", "", attributes)
