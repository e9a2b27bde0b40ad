"""POST /oauth/token.php: an access token for an app (docs/reference/uapi.md §7, RFC 6749 §4.4).

Every refusal is in OAuth's form, `{"error": …, "error_description": …}`, not in the UnifiedAPI's.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote_plus

from aiohttp import web

from bridge.access.errors import InvalidClient, InvalidRequest, OAuthError
from bridge.access.guess_guard import TooManyGuesses
from bridge.faults import StorageUnavailable
from bridge.http.basic_credentials import basic_credentials
from bridge.http.body import body_of
from bridge.http.context import SERVICES
from bridge.http.error_answers import log_refusal
from bridge.http.errors import UNREADABLE_BODY, UapiError
from bridge.http.guesses import guarded
from bridge.http.json_answer import json_answer
from bridge.http.oauth.token_form import token_fields

_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_STORAGE_RETRY_AFTER_S = 5


async def token(request: web.Request) -> web.Response:
    """`POST /oauth/token.php`: a token for client credentials (RFC 6749 §4.4)."""
    try:
        fields = token_fields(request, await body_of(request))
        client_id, client_secret = _client(request, fields)
        with guarded(request, "app", client_id, client_secret, InvalidClient):
            issued = await request.app[SERVICES].tokens.issue(
                client_id, client_secret, fields.get("grant_type")
            )
    except TooManyGuesses as why:
        retry = {"Retry-After": str(why.retry_after_s)}
        return _error(request, 429, "too_many_requests", str(why), retry)
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
    """405 for a method other than POST (RFC 9110 §15.5.6)."""
    return _error(
        request, 405, InvalidRequest.code, "a token is asked for with POST", {"Allow": "POST"}
    )


def error_form(_: web.BaseRequest, error: UapiError) -> web.Response:
    """The OAuth form of an error that is raised before the handler runs."""
    code = InvalidRequest.code if error.status < 500 else "server_error"
    body = {"error": code, "error_description": error.message}
    return json_answer(body, status=error.status, headers={**_NO_STORE, **error.headers})


def add_routes(app: web.Application) -> None:
    for path in ("/oauth/token.php", "/oauth/token"):
        app.router.add_post(path + "{slash:/?}", token)
        app.router.add_route("*", path + "{slash:/?}", wrong_method)


def _client(request: web.Request, fields: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Client id and secret from HTTP Basic, else from the body."""
    try:
        basic = basic_credentials(request)
    except ValueError:
        raise InvalidClient("the Authorization header is not valid Basic") from None
    if basic is None:
        return fields.get("client_id"), fields.get("client_secret")
    # RFC 6749 §2.3.1: both are form-encoded before Basic is applied.
    name, secret = map(unquote_plus, basic)
    if name and fields.get("client_id", name) not in (name, ""):
        raise InvalidRequest("client_id is another one than that of the Authorization header")
    return name, secret


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
