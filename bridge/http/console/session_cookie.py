"""The session of a browser: an access token in a cookie that no script reads.

The cookie alone opens nothing. Another site could make the browser send it, so a request needs two
more things: the proof in the header `X-Console-Proof`, which is made of the token, and no sign that
another site has made the request. Only a page of this host can read the proof.
"""

from __future__ import annotations

import hmac

from aiohttp import web
from yarl import URL

from bridge.access.errors import AccessDenied
from bridge.access.token_fingerprints import same
from bridge.access.token_service import CONSOLE_SESSION
from bridge.directory.model import App
from bridge.directory.requester import Requester
from bridge.http.base_url import base_url
from bridge.http.context import SERVICES
from bridge.http.error_answers import APP
from bridge.http.errors import UapiError, access_denied
from bridge.http.forwarded import FORWARDED
from bridge.http.forwarded_app import forwarded_app
from bridge.http.rate_limits import REQUEST_BUDGET

COOKIE = "uapi_console"
SECURE_COOKIE = f"__Host-{COOKIE}"
"""By TLS. A browser takes a cookie of this name from the host itself only, and by TLS only. So no
other host of the domain can put its own session in the place of somebody's."""

PROOF = "X-Console-Proof"
_PROOF_OF = b"uapi console"


def proof_of(token: str) -> str:
    """The proof that belongs to a session, 64 hex characters."""
    return hmac.digest(token.encode("utf-8", "surrogateescape"), _PROOF_OF, "sha256").hex()


def cookie_name(request: web.Request) -> str:
    """The name of the cookie of a session, by how the browser came."""
    return SECURE_COOKIE if _is_secure(request) else COOKIE


def session_cookie(request: web.Request) -> str:
    """The token in the cookie, of whatever page; empty without one.

    A token that an app was given is none: a session is told more, such as passwords of phones.
    """
    token = request.cookies.get(cookie_name(request), "")
    return token if token.startswith(CONSOLE_SESSION) else ""


def session_token(request: web.Request) -> str:
    """The token of the session cookie; empty without one.

    Raises 403 console_proof_invalid where the request does not show that our page has made it.
    """
    token = session_cookie(request)
    if not token:
        return ""
    require_own_page(request)
    if not same(request.headers.get(PROOF, ""), proof_of(token)):
        raise refused(f"The session needs the header {PROOF}, which GET /console/session tells.")
    return token


def session_app(request: web.Request) -> tuple[App, Requester]:
    """The app of the session. A token in a header does not do.

    Counts the request. Raises access_denied, 403, 429 too_many_requests.
    """
    services = request.app[SERVICES]
    if (forwarded := request.get(FORWARDED)) is not None:
        return forwarded_app(request, forwarded)
    try:
        app = services.tokens.authenticate(session_token(request))
    except AccessDenied:
        raise access_denied() from None
    request[APP] = app.client_id
    request.app[REQUEST_BUDGET].take(request, app.client_id)
    return app, Requester.of_app(services.directory.directory, app)


def require_own_page(request: web.Request) -> None:
    """Refuse what a page of another site has sent. Raises 403 console_proof_invalid.

    Browsers send `Sec-Fetch-Site`, and `Origin` with each request that changes something; no page
    can set them.
    """
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin")
    if site != "same-origin" or (origin is not None and _host(origin) not in _own_hosts(request)):
        raise refused("Only the console's own page may use its session.")


def is_of_session(request: web.Request) -> bool:
    """Whether a page of this host has sent it, with the session of somebody who is signed in.

    A cookie belongs to one host name. So the page is ours, even if this service does not know that
    it has this name.
    """
    token = session_cookie(request)
    if not token:
        return False
    try:
        request.app[SERVICES].tokens.authenticate(token)
        require_own_page(request)
    except (AccessDenied, UapiError):
        return False
    return True


def refused(message: str) -> UapiError:
    """403: the request does not come from the console's own page."""
    return UapiError(403, "console_proof_invalid", message)


def set_session_cookie(
    request: web.Request, response: web.Response, token: str, max_age_s: int
) -> None:
    """Give the browser its session; `max_age_s` 0 takes it away."""
    response.set_cookie(
        cookie_name(request),
        token,
        max_age=max_age_s,
        path="/",
        httponly=True,
        samesite="Strict",
        secure=_is_secure(request),
    )


def _is_secure(request: web.Request) -> bool:
    """Whether the browser came by TLS; behind a proxy `public_base_url` says so."""
    return base_url(request, request.app[SERVICES].settings.public_base_url).startswith("https:")


def _own_hosts(request: web.Request) -> set[str]:
    """By what the client called, and by the settings: a proxy may send a Host of its own.

    Not the schemes, since a proxy may end TLS before this service.
    """
    public = request.app[SERVICES].settings.public_base_url
    return {host for url in (base_url(request, ""), public) if (host := _host(url))}


def _host(origin: str) -> str | None:
    try:
        return URL(origin).authority.lower() or None
    except ValueError:
        return None
