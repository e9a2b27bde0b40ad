"""The requester: the app of the access token, and the user and extensions that the URI names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from bridge.access.errors import AccessDenied
from bridge.directory.model import App, Extension, User
from bridge.directory.ownership import SELF, extensions_of, resolve_extension, resolve_user
from bridge.directory.requester import Requester
from bridge.http.console.session_cookie import session_token
from bridge.http.context import SERVICES
from bridge.http.error_answers import APP
from bridge.http.errors import access_denied
from bridge.http.forwarded import FORWARDED
from bridge.http.forwarded_app import forwarded_app
from bridge.http.rate_limits import REQUEST_BUDGET
from bridge.http.uapi.ignored_parameters import TOKEN_PARAMETER

_BEARER = "bearer "


def authenticated_app(request: web.Request) -> tuple[App, Requester]:
    """The app of the token in the header, in `accessRequestToken` or in the session of the console.

    Of a forwarded request it is the app that the other instance has authenticated. Raises
    access_denied, and 403 console_proof_invalid for a session without its proof.
    """
    services = request.app[SERVICES]
    if (forwarded := request.get(FORWARDED)) is not None:
        return forwarded_app(request, forwarded)
    token = token_of(request) or session_token(request)
    try:
        app = services.tokens.authenticate(token)
    except AccessDenied:
        refused_status = services.settings.uapi.token_refused_status
        raise access_denied(refused_status if token else 401) from None
    request[APP] = app.client_id
    request.app[REQUEST_BUDGET].take(request, app.client_id)
    return app, Requester.of_app(services.directory.directory, app)


def token_of(request: web.Request) -> str:
    """The token in the header or in `accessRequestToken`; empty without one."""
    text = request.headers.get("Authorization", "")
    if not _is_bearer(text) and TOKEN_PARAMETER in request.query:
        # Documented with the word Bearer and shown without it (docs/reference/uapi.md §7).
        # The header may be somebody else's then, a proxy's.
        text = request.query[TOKEN_PARAMETER]
    return text[len(_BEARER) :].strip() if _is_bearer(text) else text


def _is_bearer(text: str) -> bool:
    return text[: len(_BEARER)].lower() == _BEARER


@dataclass(frozen=True, slots=True)
class Scope:
    """The user and extensions that a URI names. `spelled` is the extension as the URI has it.

    `places`: of each extension number among the extensions. A user may have thousands, and no call
    may be compared with each of them.
    """

    app: App
    user: User
    extensions: tuple[Extension, ...]
    spelled: str
    places: Mapping[str, int] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        places = {x.number: place for place, x in enumerate(self.extensions)}
        object.__setattr__(self, "places", places)


def scope_of(request: web.Request) -> Scope:
    """The scope of `/{userId}/{extension}`. Raises user_invalid, extension_invalid."""
    app, requester = authenticated_app(request)
    spelled = request.match_info["extension"]
    user = resolve_user(requester, request.match_info["userId"], spelled)
    if spelled == SELF:
        return Scope(app, user, extensions_of(requester, user), spelled)
    return Scope(app, user, (resolve_extension(requester, user, spelled),), spelled)
