"""A conversation as `verbacdr`, with the names of verba.md §6; all moments in GMT."""

from __future__ import annotations

from bridge.http.verba.answer import Element
from bridge.http.verba.parameters import date_text
from bridge.recordings.conversation import Media, StoredConversation

_ONGOING, _FINISHED = "0", "1"
_INTERNAL, _OUTGOING, _INCOMING = "0", "2", "1"
_DIRECTION = {2: _INTERNAL, 4: _OUTGOING, 8: _INCOMING}
_SIP = "2"
_NORMAL_CLEARING, _NORMAL = 16, "0"


def verbacdr(stored: StoredConversation, metadata: dict[str, str] | None = None) -> Element:
    one = stored.conversation
    cause = _NORMAL if one.cause in (None, _NORMAL_CLEARING) else str(one.cause)
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
        "direction_id": _DIRECTION.get(one.direction, _INTERNAL),
        "cause_id": cause if one.ended_ms is not None else "",
        "signaling_id": _SIP,
        "recorded_party": one.extension or "",
        "user_id": str(one.user_id or ""),
        "user_name": one.user_name,
        "ondemand": str(int(one.on_demand)),
        "conference": str(int(bool(one.meeting_id))),
        "secondary": "0",
        "do_not_delete": str(int(stored.marks.protected)),
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
