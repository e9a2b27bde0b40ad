"""POST /oauth/token.php: an access token for an app (uapi.md §7, RFC 6749 §4.4).

Every refusal is in OAuth's form, `{"error": …, "error_description": …}`, not in the UnifiedAPI's.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import parse_qs, unquote_plus

from aiohttp import web

from bridge.http.body import body_of
from bridge.http.context import SERVICES
from bridge.http.error_answers import log_refusal
from bridge.http.uapi.errors import UNREADABLE_BODY, UapiError
from bridge.http.uapi.json_answer import json_answer
from bridge.oauth.errors import InvalidClient, InvalidRequest, OAuthError
from bridge.storage.faults import StorageUnavailable

_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_MAX_FIELDS = 20
_STORAGE_RETRY_AFTER_S = 5


async def token(request: web.Request) -> web.Response:
    try:
        fields = _form(await body_of(request))
        client_id, client_secret = _client(request, fields)
        issued = await request.app[SERVICES].tokens.issue(
            client_id, client_secret, fields.get("grant_type")
        )
    except OAuthError as error:
        return _refusal(request, error)
    except UapiError as error:
        return _error(request, error.status, InvalidRequest.code, error.message)
    except UNREADABLE_BODY:
        return _error(
            request, 400, InvalidRequest.code, "the body is not encoded as its headers say"
        )
    except web.HTTPRequestEntityTooLarge:
        return _error(
            request, 413, InvalidRequest.code, "the body is larger than this service takes"
        )
    except StorageUnavailable:
        return _error(
            request,
            503,
            "temporarily_unavailable",
            "no token can be stored at the moment",
            {"Retry-After": str(_STORAGE_RETRY_AFTER_S)},
        )
    body = {
        "access_token": issued.access_token,
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
    }
    return json_answer(body, headers=_NO_STORE)


async def wrong_method(request: web.Request) -> web.Response:
    return _error(
        request, 405, InvalidRequest.code, "a token is asked for with POST", {"Allow": "POST"}
    )


def add_routes(app: web.Application) -> None:
    for path in ("/oauth/token.php", "/oauth/token"):
        app.router.add_post(path + "{slash:/?}", token)
        app.router.add_route("*", path + "{slash:/?}", wrong_method)


def _form(body: bytes) -> dict[str, str]:
    """The form fields, whatever the Content-Type; some clients begin the body with a stray `&`."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise InvalidRequest("the body must be form-encoded, in UTF-8") from None
    try:
        fields = parse_qs(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise InvalidRequest(f"the body must have at most {_MAX_FIELDS} fields") from None
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


def _refusal(request: web.Request, error: OAuthError) -> web.Response:
    if isinstance(error, InvalidClient):
        return _error(
            request, 401, error.code, error.description, {"WWW-Authenticate": 'Basic realm="uapi"'}
        )
    return _error(request, 400, error.code, error.description)


def _error(
    request: web.Request,
    status: int,
    code: str,
    description: str,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    log_refusal(request, status, code, description)
    body = {"error": code, "error_description": description}
    return json_answer(body, status=status, headers={**_NO_STORE, **(headers or {})})
