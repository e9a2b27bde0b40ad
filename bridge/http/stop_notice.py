"""An instance of several that stops says so first, so that its clients go to another one."""

from __future__ import annotations

from aiohttp import web

from bridge.http.answer_headers import answer_headers
from bridge.http.error_answers import Handler


class StopNotice:
    """`given`: this instance has said that it stops. It still answers every request."""

    def __init__(self) -> None:
        self.given = False


def with_stop_notice(handler: Handler, notice: StopNotice) -> Handler:
    """Wrap `handler`: once the notice is given, each answer is the last one of its connection."""

    async def noticing(request: web.BaseRequest) -> web.StreamResponse:
        told = notice.given
        if told:  # also in the head of an answer that is sent piece by piece
            answer_headers(request)["Connection"] = "close"
        response = await handler(request)
        # A client that was not told in the head could lose a request on this connection.
        if told or (notice.given and not response.prepared):
            response.force_close()
        return response

    return noticing
