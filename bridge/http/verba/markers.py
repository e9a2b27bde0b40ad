"""AddMarker and GetMarkers: named stretches of a conversation, in ms from its start."""

from __future__ import annotations

from bridge.clock import now_ms
from bridge.http.verba.answer import Element, VerbaAnswer
from bridge.http.verba.errors import Code, VerbaError, invalid_parameter
from bridge.http.verba.request import VerbaRequest
from bridge.http.verba.selector import find_conversation
from bridge.recordings.conversation import Marker, StoredConversation
from bridge.recordings.conversation_records import LimitReached
from bridge.recordings.deletion import AlreadyGone

_MAX_MS = 7 * 24 * 3600 * 1000
_MAX_NAME = 255
_MAX_OF_CALL = 1000


async def add_marker(request: VerbaRequest) -> VerbaAnswer:
    """`mmode`: `start` and `end` mean now, in an ongoing call; without it `mstart` and `mend`."""
    parameters = request.parameters
    mode = parameters.get("mmode")
    if mode not in (None, "start", "end"):
        raise invalid_parameter("Parameter mmode must be start or end.")
    name = parameters.get("mname") if mode == "end" else parameters.required("mname")
    if name is not None and len(name) > _MAX_NAME:
        raise invalid_parameter(f"Parameter mname must have at most {_MAX_NAME} characters.")
    stored = await find_conversation(request)
    records, conversation_id = request.recordings.records, stored.conversation.id
    if mode == "end":
        if not await records.end_marker(conversation_id, name or "", _position(stored)):
            raise VerbaError(Code.CALL_NOT_FOUND, "There is no open marker of that name.")
        return VerbaAnswer(request.action)
    if mode == "start":
        start, end = _position(stored), None
    else:
        start, end = _given(request)
    try:
        added = await records.add_marker(
            conversation_id, name or "", start, end, at_most=_MAX_OF_CALL
        )
    except LimitReached:
        raise invalid_parameter(f"A call has at most {_MAX_OF_CALL} markers.") from None
    if not added:
        raise AlreadyGone
    return VerbaAnswer(request.action)


async def get_markers(request: VerbaRequest) -> VerbaAnswer:
    """`GetMarkers`: the markers of a conversation."""
    stored = await find_conversation(request)
    found = await request.recordings.records.markers(stored.conversation.id)
    return VerbaAnswer(request.action, children=tuple(_element(x) for x in found))


def _position(stored: StoredConversation) -> int:
    if stored.conversation.ended_ms is not None:
        raise invalid_parameter("Parameter mmode is for ongoing calls only; give mstart.")
    return max(0, now_ms() - stored.conversation.started_ms)


def _given(request: VerbaRequest) -> tuple[int, int | None]:
    start = request.parameters.number("mstart", 0, _MAX_MS)
    if start is None:
        raise invalid_parameter("Parameter mstart is missing.")
    return start, request.parameters.number("mend", start, _MAX_MS)


def _element(marker: Marker) -> Element:
    end = "" if marker.end_ms is None else str(marker.end_ms)
    children = (
        Element("name", marker.name),
        Element("start", str(marker.start_ms)),
        Element("end", end),
    )
    return Element("verbamarker", "", {}, children)
