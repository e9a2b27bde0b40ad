"""POSTs of the UnifiedAPI that take an `Idempotency-Key`, apart from creates of calls."""

from __future__ import annotations

from aiohttp import web

from bridge.directory.model import App
from bridge.http.context import SERVICES
from bridge.http.keyed_answers import (
    REPLAYED,
    IdempotentRequest,
    Run,
    StoredAnswer,
    idempotency_key_of,
)
from bridge.http.request_meaning import meaning_of


async def answered_once(
    request: web.Request, app: App, run: Run, body: bytes = b""
) -> StoredAnswer:
    """The answer of `run`, or the first one to this key. Raises 409 idempotency_conflict."""
    key = idempotency_key_of(request.headers)
    once = IdempotentRequest(app.client_id, key, lambda: meaning_of(request, body))
    return await request.app[SERVICES].keyed_answers.once(once, run)


def stored_response(answer: StoredAnswer, headers: dict[str, str] | None = None) -> web.Response:
    """The answer as a response; a replayed one says so."""
    return web.Response(
        status=answer.status,
        text=answer.text,
        content_type="application/json",
        headers={**(headers or {}), **(REPLAYED if answer.replayed else {})},
    )
