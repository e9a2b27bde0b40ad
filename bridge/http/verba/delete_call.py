"""DeleteCall: delete a conversation, or mark an ongoing one for deletion.

docs/reference/specification.md §3 has the request and its answers.
"""

from __future__ import annotations

from bridge.clock import now_ms
from bridge.http.verba.answer import VerbaAnswer
from bridge.http.verba.request import VerbaRequest
from bridge.http.verba.selector import find
from bridge.recordings.deletion_request import DeletionRequest
from bridge.supervision.tasks import carried_through


async def delete_call(request: VerbaRequest) -> VerbaAnswer:
    """`DeleteCall`: delete conversations with their files."""
    found = await find(request, also_marked=True)
    deletion = DeletionRequest(
        key_name=request.key.name,
        user=request.user.name if request.user is not None else "",
        remote=request.http.remote or "",
        at_ms=now_ms(),
    )
    # A deletion that has begun is completed, also if the client leaves.
    await carried_through(request.recordings.deletion.delete(found, deletion), "delete_call")
    return VerbaAnswer(request.action)
