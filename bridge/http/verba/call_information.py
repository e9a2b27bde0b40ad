"""GetCallInformation and GetCallID: what is known of one conversation."""

from __future__ import annotations

from bridge.http.verba.answer import Answer, Element
from bridge.http.verba.request import VerbaRequest
from bridge.http.verba.selector import find_conversation
from bridge.http.verba.verbacdr import verbacdr


async def get_call_information(request: VerbaRequest) -> Answer:
    stored = await find_conversation(request)
    metadata = await request.recordings.records.metadata(stored.conversation.id)
    return Answer(request.action, children=(verbacdr(stored, metadata),))


async def get_call_id(request: VerbaRequest) -> Answer:
    stored = await find_conversation(request)
    return Answer(request.action, siblings=(Element("CallID", stored.conversation.id),))
