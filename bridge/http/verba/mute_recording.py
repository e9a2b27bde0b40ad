"""MuteRecording: silence in the recording of an ongoing call; the call itself is not changed."""

from __future__ import annotations

from bridge.http.verba.answer import VerbaAnswer
from bridge.http.verba.errors import Code, VerbaError, invalid_parameter
from bridge.http.verba.request import VerbaRequest
from bridge.http.verba.selector import find_conversation
from bridge.recordings.conversation import Mute


async def mute_recording(request: VerbaRequest) -> VerbaAnswer:
    """`mute`: 0 nobody, 1 the source, 2 the destination, 3 both."""
    mask = request.parameters.number("mute", 0, 3)
    if mask is None:
        raise invalid_parameter("Parameter mute is missing.")
    stored = await find_conversation(request)
    if not await request.recordings.mute(stored.conversation.call_id, Mute(mask)):
        raise VerbaError(Code.CALL_NOT_FOUND, "The call is not being recorded now.")
    return VerbaAnswer(request.action)
