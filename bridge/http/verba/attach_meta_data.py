"""AttachMetaData: fields of the caller's own, any parameter that has no meaning of its own."""

from __future__ import annotations

import re

from bridge.http.verba.answer import Answer
from bridge.http.verba.errors import invalid
from bridge.http.verba.request import VerbaRequest
from bridge.http.verba.selector import find_conversation
from bridge.recordings.deleting import AlreadyGone

_OWN_MEANING = {
    *("action", "apiKey", "token", "responseType", "status"),
    *("callID", "ccdr_id", "cid", "platformCallID", "nativeID", "meetingID", "extension"),
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}\Z")
_MAX_FIELDS, _MAX_VALUE = 50, 4000


async def attach_meta_data(request: VerbaRequest) -> Answer:
    names = [x for x in request.parameters.names() if x not in _OWN_MEANING]
    if not 1 <= len(names) <= _MAX_FIELDS:
        raise invalid(f"1 to {_MAX_FIELDS} fields of metadata are needed.")
    values = {name: request.parameters.required(name) for name in names}
    for name, value in values.items():
        if not _NAME.match(name) or len(value) > _MAX_VALUE:
            raise invalid("A field of metadata has a wrong name or is too long.")
    stored = await find_conversation(request)
    if not await request.recordings.records.attach(stored.conversation.id, values):
        raise AlreadyGone
    return Answer(request.action)
