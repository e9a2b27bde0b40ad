"""Who is asking: the app behind the access token, and the user and extensions it names."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from bridge.directory.caller import Caller
from bridge.directory.model import App, Extension, User
from bridge.directory.ownership import SELF, extensions_of, resolve_extension, resolve_user
from bridge.http.context import SERVICES
from bridge.http.error_answers import APP
from bridge.http.uapi.errors import access_denied
from bridge.oauth.errors import AccessDenied

TOKEN_PARAMETER = "accessRequestToken"  # noqa: S105 - its name, no token
_BEARER = "bearer "


def authenticated(request: web.Request) -> tuple[App, Caller]:
    """The app of the token in the header or in `accessRequestToken`. Raises 401 access_denied."""
    services = request.app[SERVICES]
    try:
        app = services.tokens.authenticate(_token(request))
    except AccessDenied:
        raise access_denied() from None
    request[APP] = app.client_id
    return app, Caller.of_app(services.directory.directory, app)


def _token(request: web.Request) -> str:
    text = request.headers.get("Authorization", "")
    if not _is_bearer(text) and TOKEN_PARAMETER in request.query:
        # Documented with the word Bearer and shown without it (uapi.md §7). The header may be
        # somebody else's then, a proxy's.
        text = request.query[TOKEN_PARAMETER]
    return text[len(_BEARER) :].strip() if _is_bearer(text) else text


def _is_bearer(text: str) -> bool:
    return text[: len(_BEARER)].lower() == _BEARER


@dataclass(frozen=True, slots=True)
class Scope:
    """The user and extensions that a URI names. `spelled` is the extension as the URI has it."""

    app: App
    user: User
    extensions: tuple[Extension, ...]
    spelled: str

    def spelling_of(self, extension: str) -> str | None:
        """How this request writes that extension; None where it does not name it."""
        if self.spelled == SELF or self.extensions[0].number != extension:
            return None
        return self.spelled


def scope_of(request: web.Request) -> Scope:
    """The scope of `/{userId}/{extension}`. Raises user_invalid, extension_invalid."""
    app, caller = authenticated(request)
    spelled = request.match_info["extension"]
    user = resolve_user(caller, request.match_info["userId"], spelled)
    if spelled == SELF:
        return Scope(app, user, extensions_of(caller, user), spelled)
    return Scope(app, user, (resolve_extension(caller, user, spelled),), spelled)
