"""/console/session: sign in, look at the session, sign out."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from bridge.access.errors import AccessDenied, InvalidClient
from bridge.access.guess_guard import TooManyGuesses
from bridge.access.password_sign_in import TooManySignIns
from bridge.access.token_service import CLIENT_CREDENTIALS, CONSOLE_SESSION, IssuedToken
from bridge.directory.model import App
from bridge.directory.requester import Requester
from bridge.http.body import body_of
from bridge.http.console.session_cookie import (
    proof_of,
    require_own_page,
    session_cookie,
    session_token,
    set_session_cookie,
)
from bridge.http.context import SERVICES
from bridge.http.errors import UapiError, invalid
from bridge.http.guesses import guarded
from bridge.http.json_answer import json_answer
from bridge.http.json_body import json_object
from bridge.http.remote_address import remote_of

_NO_STORE = {"Cache-Control": "no-store"}
_LINK = "sign-in link"


async def sign_in(request: web.Request) -> web.Response:
    """`POST`: a session for the credentials of an app or a user, or for the code of a link."""
    require_own_page(request)
    if request.content_type != "application/json":  # a form of another site cannot send this
        raise invalid("request_invalid", "Content-Type must be application/json.")
    issued = await _issued(request, json_object(await body_of(request)))
    response = _session_answer(request, issued.access_token)
    set_session_cookie(request, response, issued.access_token, issued.expires_in)
    return response


async def session(request: web.Request) -> web.Response:
    """`GET`: whose session it is, until when, and the proof that each request needs; else null."""
    require_own_page(request)
    try:
        return _session_answer(request, session_cookie(request))
    except AccessDenied:
        return json_answer(None, headers=_NO_STORE)


async def sign_out(request: web.Request) -> web.Response:
    """`DELETE`: end the session; its token does not count any more."""
    token = session_token(request)
    if token:
        await request.app[SERVICES].tokens.end(token)
    response = web.Response(status=204, headers=_NO_STORE)
    set_session_cookie(request, response, "", 0)
    return response


async def _issued(request: web.Request, fields: Mapping[str, object]) -> IssuedToken:
    services = request.app[SERVICES]
    lifetime_s = services.settings.console.session_s
    code, client_id, secret = (_text(fields, x) for x in ("code", "clientId", "clientSecret"))
    user, password = (_text(fields, x) for x in ("user", "password"))
    try:
        if user:
            client = await _client_of_user(request, user, password)
            return await services.tokens.issue_to(client, lifetime_s, CONSOLE_SESSION)
        if code:
            with guarded(request, "app", _LINK, code, InvalidClient):
                client = services.sign_in_codes.use(code) or ""
                return await services.tokens.issue_to(client, lifetime_s, CONSOLE_SESSION)
        with guarded(request, "app", client_id, secret, InvalidClient):
            return await services.tokens.issue(
                client_id, secret, CLIENT_CREDENTIALS, lifetime_s, CONSOLE_SESSION
            )
    except (TooManyGuesses, TooManySignIns) as why:
        retry = {"Retry-After": str(why.retry_after_s)}
        raise UapiError(429, "too_many_requests", str(why), retry) from None
    except InvalidClient:
        message = (
            "The link was used, or it is too old. Restart the service for a new one, or sign in "
            "with the credentials of an app."
            if code
            else f"The name or the {'password' if user else 'secret'} is wrong."
        )
        raise UapiError(401, "sign_in_refused", message) from None


async def _client_of_user(request: web.Request, user: str, password: str) -> str:
    """Raises TooManyGuesses before a hash is made, TooManySignIns, InvalidClient."""
    password_sign_in = request.app[SERVICES].password_sign_in
    async with password_sign_in.turn(remote_of(request.remote)):
        with guarded(request, "user", user, password, InvalidClient):
            return await password_sign_in.client_id(user, password)


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise invalid("request_invalid", f"{name} must be a string.")
    return value


def _session_answer(request: web.Request, token: str) -> web.Response:
    """Raises AccessDenied."""
    services = request.app[SERVICES]
    app = services.tokens.authenticate(token)
    user = Requester.of_app(services.directory.directory, app).user
    body = {
        "proof": proof_of(token),
        "expiresMs": services.tokens.expires_ms(token),
        "app": _app_json(app),
        "user": None if user is None else {"id": str(user.id), "name": user.name},
    }
    return json_answer(body, headers=_NO_STORE)


def _app_json(app: App) -> dict[str, str | None]:
    return {
        "clientId": app.client_id,
        "name": app.name,
        "level": app.level.value,
        "organization": app.organization,
    }
