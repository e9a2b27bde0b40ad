"""One authenticated request of the Verba API, as its action sees it."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from bridge.access.guess_guard import TooManyGuesses
from bridge.access.verba_access import (
    KeyRefused,
    LoginRequired,
    TokenRefused,
    VerbaAccess,
    organization_of,
)
from bridge.directory.model import VerbaKey, VerbaUser
from bridge.http.context import SERVICES, Services, node_of
from bridge.http.error_answers import APP
from bridge.http.errors import UapiError
from bridge.http.guesses import guarded
from bridge.http.rate_limits import REQUEST_BUDGET
from bridge.http.verba.errors import Code, VerbaError, too_many_guesses
from bridge.http.verba.parameters import Parameters
from bridge.recordings.service import Recordings


@dataclass(frozen=True, slots=True)
class VerbaRequest:
    """`organization` is the one whose calls may be reached, None: all."""

    http: web.Request
    action: str
    parameters: Parameters
    key: VerbaKey
    user: VerbaUser | None
    organization: str | None

    @property
    def services(self) -> Services:
        return self.http.app[SERVICES]

    @property
    def recordings(self) -> Recordings:
        return node_of(self.http).recordings

    def client_is_there(self) -> bool:
        """Whether the client still waits for the answer."""
        transport = self.http.transport
        return transport is not None and not transport.is_closing()


def verba_key_of(http: web.Request, parameters: Parameters, access: VerbaAccess) -> VerbaKey:
    """Raises -41, the same for no key, a wrong one and one of another network."""
    key = parameters.get("apiKey")
    try:
        with guarded(http, "verba key", None, key, KeyRefused):
            return access.key(key, http.remote)
    except TooManyGuesses as why:
        raise too_many_guesses(Code.INVALID_API_KEY, why) from None
    except KeyRefused:
        text = "The API key is missing, unknown, or not allowed from this address."
        raise VerbaError(Code.INVALID_API_KEY, text) from None


async def authenticated_request(
    http: web.Request, action: str, parameters: Parameters, access: VerbaAccess
) -> VerbaRequest:
    """The request with the key and the user that sent it.

    Raises -41, -42, -43 (docs/reference/verba.md §3).
    """
    key = verba_key_of(http, parameters, access)
    try:
        user = await access.user(key, parameters.get("token"))
    except LoginRequired:
        text = "This API key needs a token: send action RequestToken first."
        raise VerbaError(Code.LOGIN_REQUIRED, text) from None
    except TokenRefused:
        text = "The token is unknown or expired: send action RequestToken again."
        raise VerbaError(Code.TOKEN_EXPIRED, text) from None
    http[APP] = key.name
    try:
        http.app[REQUEST_BUDGET].take(http, f"verba/{key.name}")
    except UapiError as why:
        raise VerbaError(Code.UNEXPECTED_ERROR, why.message, why.headers) from None
    return VerbaRequest(http, action, parameters, key, user, organization_of(key, user))
