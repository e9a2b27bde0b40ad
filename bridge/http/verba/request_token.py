"""RequestToken: a token for a key that needs one (verba.md §2)."""

from __future__ import annotations

import base64
import binascii

from aiohttp import web

from bridge.http.context import SERVICES
from bridge.http.verba.answer import Answer
from bridge.http.verba.errors import Code, VerbaError
from bridge.http.verba.parameters import Parameters
from bridge.http.verba.request import key_of
from bridge.verba_access import CredentialsRefused


async def request_token(http: web.Request, action: str, parameters: Parameters) -> Answer:
    access = http.app[SERVICES].verba_access
    key = key_of(http, parameters, access)
    name, password = _credentials(http, parameters)
    try:
        token = await access.issue(key, name, password)
    except CredentialsRefused:
        raise VerbaError(Code.INVALID_CREDENTIALS, "Wrong user name or password.") from None
    return Answer(action, attributes={"token": token})


def _credentials(http: web.Request, parameters: Parameters) -> tuple[str, str]:
    """From HTTP Basic, else from userName and password."""
    scheme, _, encoded = http.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return parameters.get("userName") or "", parameters.get("password") or ""
    try:
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise VerbaError(Code.INVALID_CREDENTIALS, "The Authorization is no valid Basic.") from None
    return name, password
