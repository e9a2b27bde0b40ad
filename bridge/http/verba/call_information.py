"""GetCallInformation and GetCallID: what is known of one conversation."""

from __future__ import annotations

from bridge.http.verba.answer import Element, VerbaAnswer
from bridge.http.verba.request import VerbaRequest
from bridge.http.verba.selector import find_conversation
from bridge.http.verba.verbacdr import verbacdr


async def get_call_information(request: VerbaRequest) -> VerbaAnswer:
    """`GetCallInformation`: the record of one conversation."""
    stored = await find_conversation(request)
    metadata = await request.recordings.records.metadata(stored.conversation.id)
    return VerbaAnswer(request.action, children=(verbacdr(stored, metadata),))


async def get_call_id(request: VerbaRequest) -> VerbaAnswer:
    """`GetCallID`: the id of one conversation."""
    stored = await find_conversation(request)
    found = stored.conversation.id
    # The element is the vendor's; the one public client reads the attribute
    # (docs/reference/verba.md §4).
    return VerbaAnswer(
        request.action, attributes={"callID": found}, siblings=(Element("CallID", found),)
    )
