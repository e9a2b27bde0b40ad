"""The organization whose extension pays for a call that is asked for."""

from __future__ import annotations

from aiohttp import web

from bridge.directory.errors import ExtensionInvalid, UserInvalid
from bridge.directory.ownership import resolve_user
from bridge.http.errors import UapiError
from bridge.http.json_body import json_object
from bridge.http.uapi.create_simple_request import CreateSimple
from bridge.http.uapi.scope import authenticated_app


def organization_of_payer(request: web.Request, body: bytes) -> str | None:
    """That of the user whose extension pays. Raises access_denied.

    For a request that is wrong anyhow, that of the app, or None: the holder says what is wrong.
    """
    app, requester = authenticated_app(request)
    user_text = request.match_info["userId"]
    try:
        asked = CreateSimple(app, requester, user_text, request.query, json_object(body))
        return resolve_user(requester, user_text, asked.spelled()).organization
    except (UapiError, UserInvalid, ExtensionInvalid):
        return None if requester.user is None else requester.user.organization
