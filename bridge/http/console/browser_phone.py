"""POST /console/phones/{extension}/browser: what a page needs to be a phone of an extension."""

from __future__ import annotations

from aiohttp import web

from bridge.http.console.phone_settings import phone_in_reach, why_not_told
from bridge.http.console.session_cookie import require_own_page, session_app
from bridge.http.context import SERVICES, node_of
from bridge.http.errors import UapiError
from bridge.http.json_answer import json_answer
from bridge.pbx.ari.errors import AriError


async def browser_phone(request: web.Request) -> web.Response:
    """A SIP user with a password for `lastsS` seconds, after the PBX has taken it.

    Told to who is told the password of the phone. Raises 403 phone_secret_denied, 403
    browser_phone_off, 503 pbx_unavailable; StorageUnavailable, Fenced.
    """
    require_own_page(request)
    _, requester = session_app(request)
    extension = phone_in_reach(requester, request.match_info["extension"])
    services, node = request.app[SERVICES], node_of(request)
    if not extension.webrtc:
        raise _off(f"{extension.number} has no browser phone: `webrtc: yes` in the directory.")
    if not node.phones.makes_phones:
        raise _off("The service makes no phones here (BRIDGE_PROVISION_PHONES).")
    if why_not := why_not_told(request, requester, extension):
        raise UapiError(403, "phone_secret_denied", why_not)
    try:
        told = await node.browser_secrets.tell(extension.number)
    except AriError as why:
        raise UapiError(503, "pbx_unavailable", f"The PBX takes no password: {why}") from None
    stun = services.settings.sip_websocket.stun_server
    body = {
        "number": extension.number,
        "name": extension.caller_name,
        "user": told.user,
        "password": told.secret,
        "lastsS": told.lasts_s,
        "iceServers": [{"urls": f"stun:{stun}"}] if stun else [],
    }
    return json_answer(body, headers={"Cache-Control": "no-store"})


def _off(why: str) -> UapiError:
    return UapiError(403, "browser_phone_off", why)
