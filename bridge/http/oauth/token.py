"""POST /oauth/token.php: an access token for an app (uapi.md §7, RFC 6749 §4.4)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import parse_qs, unquote_plus

from aiohttp import web

from bridge.http.context import SERVICES
from bridge.http.uapi.json_answer import json_answer
from bridge.oauth.errors import InvalidClient, InvalidRequest, OAuthError

_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_MAX_FIELDS = 20


async def token(request: web.Request) -> web.Response:
    try:
        fields = _form(await request.read())
        client_id, client_secret = _client(request, fields)
        issued = await request.app[SERVICES].tokens.issue(
            client_id, client_secret, fields.get("grant_type")
        )
    except OAuthError as error:
        return _refusal(error)
    body = {
        "access_token": issued.access_token,
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
    }
    return json_answer(body, headers=_NO_STORE)


def add_routes(app: web.Application) -> None:
    for path in ("/oauth/token.php", "/oauth/token"):
        app.router.add_post(path + "{slash:/?}", token)


def _form(body: bytes) -> dict[str, str]:
    """The form fields, whatever the Content-Type; some clients begin the body with a stray `&`."""
    try:
        fields = parse_qs(
            body.decode(), keep_blank_values=True, strict_parsing=False, max_num_fields=_MAX_FIELDS
        )
    except ValueError:
        raise InvalidRequest("the body must be form-encoded") from None
    repeated = [name for name, values in fields.items() if len(values) > 1]
    if repeated:
        raise InvalidRequest(f"{repeated[0][:40]} is given more than once")
    return {name: values[0] for name, values in fields.items()}


def _client(request: web.Request, fields: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Client id and secret from HTTP Basic, else from the body."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return fields.get("client_id"), fields.get("client_secret")
    try:
        text = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidClient("the Authorization header is not valid Basic") from None
    client_id, _, client_secret = text.partition(":")
    # RFC 6749 §2.3.1: both are form-encoded before Basic is applied.
    return unquote_plus(client_id), unquote_plus(client_secret)


def _refusal(error: OAuthError) -> web.Response:
    refused = isinstance(error, InvalidClient)
    headers = {**_NO_STORE, **({"WWW-Authenticate": "Basic"} if refused else {})}
    body = {"error": error.code, "error_description": error.description}
    return json_answer(body, status=401 if refused else 400, headers=headers)
