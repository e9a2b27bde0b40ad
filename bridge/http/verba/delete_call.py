"""DeleteCall: delete a conversation, or mark an ongoing one for deletion (spec/002)."""

from __future__ import annotations

import asyncio

from bridge.calls.switchboard import now_ms
from bridge.http.verba.answer import Answer
from bridge.http.verba.request import VerbaRequest
from bridge.http.verba.selector import find
from bridge.recordings.deletion_request import DeletionRequest


async def delete_call(request: VerbaRequest) -> Answer:
    found = await find(request, also_marked=True)
    deletion = DeletionRequest(
        key_name=request.key.name,
        user=request.user.name if request.user is not None else "",
        remote=request.http.remote or "",
        at_ms=now_ms(),
    )
    # What has begun is carried through, also when the client has gone.
    await asyncio.shield(request.recordings.deletion.delete(found, deletion))
    return Answer(request.action)
