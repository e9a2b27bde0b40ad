"""KeepCall: protect a conversation from deletion, or no longer (`unmark=1`)."""

from __future__ import annotations

from bridge.http.verba.answer import VerbaAnswer
from bridge.http.verba.errors import invalid_parameter
from bridge.http.verba.request import VerbaRequest
from bridge.http.verba.selector import find_conversation
from bridge.recordings.deletion import AlreadyGone


async def keep_call(request: VerbaRequest) -> VerbaAnswer:
    """`KeepCall`: protect a conversation from deletion, or release it."""
    if request.parameters.get("type") is not None:
        raise invalid_parameter("Parameter type is not supported.")
    protected = not request.parameters.flag("unmark")
    stored = await find_conversation(request)
    records = request.recordings.records
    if not await records.protect(stored.conversation.id, protected=protected):
        raise AlreadyGone
    return VerbaAnswer(request.action)
