"""KeepCall: protect a conversation from deletion, or no longer (`unmark=1`)."""

from __future__ import annotations

from bridge.http.verba.answer import Answer
from bridge.http.verba.errors import invalid
from bridge.http.verba.request import VerbaRequest
from bridge.http.verba.selector import find_conversation
from bridge.recordings.deleting import AlreadyGone


async def keep_call(request: VerbaRequest) -> Answer:
    if request.parameters.get("type") is not None:
        raise invalid("Parameter type is not supported.")
    protected = not request.parameters.flag("unmark")
    stored = await find_conversation(request)
    records = request.recordings.records
    if not await records.protect(stored.conversation.id, protected=protected):
        raise AlreadyGone
    return Answer(request.action)
