"""RequestToken: a token for a key that needs one (docs/reference/verba.md §2)."""

from __future__ import annotations

from aiohttp import web

from bridge.access.guess_guard import TooManyGuesses
from bridge.access.verba_access import CredentialsRefused
from bridge.http.basic_credentials import basic_credentials
from bridge.http.context import SERVICES
from bridge.http.guesses import guarded
from bridge.http.verba.answer import VerbaAnswer
from bridge.http.verba.errors import Code, VerbaError, too_many_guesses
from bridge.http.verba.parameters import Parameters
from bridge.http.verba.request import verba_key_of


async def request_token(http: web.Request, action: str, parameters: Parameters) -> VerbaAnswer:
    """`RequestToken`: a token for a user and password."""
    access = http.app[SERVICES].verba_access
    key = verba_key_of(http, parameters, access)
    name, password = _credentials(http, parameters)
    try:
        with guarded(http, "verba user", name, password, CredentialsRefused):
            token = await access.issue(key, name, password)
    except TooManyGuesses as why:
        raise too_many_guesses(Code.INVALID_CREDENTIALS, why) from None
    except CredentialsRefused:
        raise VerbaError(Code.INVALID_CREDENTIALS, "Wrong user name or password.") from None
    return VerbaAnswer(action, attributes={"token": token})


def _credentials(http: web.Request, parameters: Parameters) -> tuple[str, str]:
    """From HTTP Basic, else from userName and password."""
    try:
        basic = basic_credentials(http)
    except ValueError:
        raise VerbaError(
            Code.INVALID_CREDENTIALS, "The Authorization header is not valid Basic."
        ) from None
    return basic or (parameters.get("userName") or "", parameters.get("password") or "")
