"""AttachMetaData: fields of the caller's own, any parameter that has no meaning of its own."""

from __future__ import annotations

import re

from bridge.http.verba.answer import VerbaAnswer
from bridge.http.verba.errors import invalid_parameter
from bridge.http.verba.request import VerbaRequest
from bridge.http.verba.selector import find_conversation
from bridge.recordings.conversation_records import LimitReached
from bridge.recordings.deletion import AlreadyGone

_OWN_MEANING = {
    *("action", "apiKey", "token", "responseType", "status"),
    *("callID", "ccdr_id", "cid", "platformCallID", "nativeID", "meetingID", "extension"),
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}\Z")
_MAX_FIELDS, _MAX_VALUE = 50, 4000
_MAX_OF_CALL = 200


async def attach_meta_data(request: VerbaRequest) -> VerbaAnswer:
    """`AttachMetaData`: set fields of a conversation's metadata."""
    names = [x for x in request.parameters.names() if x not in _OWN_MEANING]
    if not 1 <= len(names) <= _MAX_FIELDS:
        raise invalid_parameter(f"1 to {_MAX_FIELDS} fields of metadata are needed.")
    values = {name: request.parameters.required(name) for name in names}
    for name, value in values.items():
        if not _NAME.match(name) or len(value) > _MAX_VALUE:
            raise invalid_parameter("A field of metadata has a wrong name or is too long.")
    stored = await find_conversation(request)
    records, conversation_id = request.recordings.records, stored.conversation.id
    try:
        attached = await records.attach(conversation_id, values, at_most=_MAX_OF_CALL)
    except LimitReached:
        raise invalid_parameter(f"A call has at most {_MAX_OF_CALL} fields of metadata.") from None
    if not attached:
        raise AlreadyGone
    return VerbaAnswer(request.action)
