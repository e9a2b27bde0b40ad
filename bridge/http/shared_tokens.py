"""Of several instances: learns the token of a request before a handler looks at it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from bridge.http.console.session_cookie import session_cookie
from bridge.http.context import SERVICES
from bridge.http.forwarded import FORWARDED
from bridge.http.remote_address import remote_of
from bridge.http.uapi.scope import token_of

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_OTHER_TOKENS = ("/health/", "/metrics")
"""Below these no token of the API is looked at; they must answer without the database, too."""


@web.middleware
async def learning_tokens(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Have the handler know each valid token, also those that other instances have issued.

    Raises StorageUnavailable where nobody can say whether the token is valid. That is a 503: a
    client that is told 401 would throw a valid token away.
    """
    if request.path.startswith(_OTHER_TOKENS):
        return await handler(request)
    if FORWARDED in request:  # another instance has authenticated it
        return await handler(request)
    tokens, address = request.app[SERVICES].tokens, remote_of(request.remote)
    for token in (token_of(request), session_cookie(request)):
        if token:
            await tokens.look(token, address)
    return await handler(request)
