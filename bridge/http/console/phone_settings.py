"""/console/phones/{extension}: what a phone needs to register as an extension.

The password is told to a session, never to a token of an app. By default that is a session of the
user of the phone. It stands in no page. A QR code has an address that tells it once.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

from aiohttp import web

from bridge.access.errors import AccessDenied
from bridge.directory.errors import ExtensionInvalid, shown
from bridge.directory.model import Extension
from bridge.directory.numbers import find_extension
from bridge.directory.requester import Requester
from bridge.http.base_url import base_url
from bridge.http.console.session_cookie import require_own_page, session_app, session_token
from bridge.http.context import SERVICES
from bridge.http.errors import UapiError
from bridge.http.guesses import guarded
from bridge.http.json_answer import json_answer
from bridge.http.remote_address import remote_of
from bridge.http.uapi.fields import Json

_NO_STORE = {"Cache-Control": "no-store"}
_SHOWN_TO_REACH = "reach"
_SHOWN_TO_OWNER = "own"


class _NoSuchAddress(UapiError):
    """No phone is told at this address, or not any more."""

    def __init__(self) -> None:
        super().__init__(404, "not_found", "This address was used, or is too old.")


async def phone_settings(request: web.Request) -> web.Response:
    """`GET`: the SIP server, the user, and the password or the reason why it is not told."""
    _, requester = session_app(request)
    extension = phone_in_reach(requester, request.match_info["extension"])
    settings = request.app[SERVICES].settings.console
    why_not = why_not_told(request, requester, extension)
    body: Json = {
        "number": extension.number,
        "name": extension.caller_name,
        "server": settings.sip_server or None,
        "transports": ["UDP", "TCP"],
        "user": extension.number,
        "password": None if why_not else extension.sip_secret,
        "passwordNotShown": why_not or None,
    }
    return json_answer(body, headers=_NO_STORE)


async def make_provisioning_address(request: web.Request) -> web.Response:
    """`POST`: an address that gives the settings to a phone, once and within minutes, as long as
    the session lasts."""
    require_own_page(request)
    app, requester = session_app(request)
    extension = phone_in_reach(requester, request.match_info["extension"])
    services = request.app[SERVICES]
    if why_not := why_not_told(request, requester, extension):
        raise UapiError(403, "phone_secret_denied", why_not)
    if not services.settings.console.sip_server:
        raise UapiError(403, "phone_secret_denied", "The address of the SIP server is not known.")
    held = session_token(request), extension.number
    code = await services.provisioning_codes.new(app.client_id, held)
    base = base_url(request, services.settings.public_base_url)
    return json_answer({"url": f"{base}/console/provision/{code}"}, headers=_NO_STORE)


async def provision(request: web.Request) -> web.Response:
    """`GET`: the settings as Linphone reads them. The address needs no session, and counts once.

    Raises TooManyGuesses, and 404 for an address that tells nothing.
    """
    code = request.match_info["code"]
    # A stranger's guess may cost a look into the database.
    with guarded(request, "phone", "address of a phone", code, _NoSuchAddress):
        extension = await _phone_of_code(request, code)
    text = linphone_settings(extension, request.app[SERVICES].settings.console.sip_server)
    return web.Response(text=text, content_type="application/xml", headers=_NO_STORE)


async def _phone_of_code(request: web.Request, code: str) -> Extension:
    """The phone of the code, if the session that made it would still be told.

    Raises _NoSuchAddress.
    """
    services = request.app[SERVICES]
    held = await services.provisioning_codes.use(code)
    if held is None:
        raise _NoSuchAddress
    token, number = held
    await services.tokens.look(token, remote_of(request.remote))
    try:
        app = services.tokens.authenticate(token)
        requester = Requester.of_app(services.directory.directory, app)
        extension = phone_in_reach(requester, number)
    except (AccessDenied, ExtensionInvalid):
        raise _NoSuchAddress from None
    if why_not_told(request, requester, extension):
        raise _NoSuchAddress
    return extension


def linphone_settings(extension: Extension, server: str) -> str:
    """The remote provisioning of Linphone (lpconfig). `server`: host and port."""
    host = server.rpartition(":")[0]
    identity = f"sip:{extension.number}@{host}"
    sections = {
        "misc": {"transient_provisioning": "1"},  # else it asks again at each start
        "sip": {"default_proxy": "0"},
        "proxy_0": {
            "reg_proxy": f"<sip:{server};transport=udp>",
            "reg_identity": f'"{extension.caller_name}" <{identity}>'
            if extension.caller_name
            else f"<{identity}>",
            "reg_expires": "300",
            "reg_sendregister": "1",
        },
        "auth_info_0": {
            "username": extension.number,
            "passwd": extension.sip_secret or "",
            "domain": host,
        },
    }
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<config xmlns="http://www.linphone.org/xsds/lpconfig.xsd">',
    ]
    for name, entries in sections.items():
        lines.append(f'  <section name="{name}">')
        lines += [
            f'    <entry name="{key}" overwrite="true">{escape(value)}</entry>'
            for key, value in entries.items()
        ]
        lines.append("  </section>")
    return "\n".join([*lines, "</config>", ""])


def phone_in_reach(requester: Requester, text: str) -> Extension:
    """The phone that `text` names. Raises extension_invalid, also where there is none."""
    extension = find_extension(requester, text)
    owner = None if extension is None else requester.directory.users.get(extension.user_id)
    if extension is None or owner is None or not requester.can_act_for(owner):
        raise ExtensionInvalid(f"extension {shown(text)}: there is no such phone in reach")
    if not extension.endpoint:
        raise ExtensionInvalid(f"extension {shown(text)}: it has no phone")
    return extension


def why_not_told(request: web.Request, requester: Requester, extension: Extension) -> str:
    """Why its password is not told to this session; empty if it is."""
    if not extension.provisioned:
        return "The PBX knows this phone by itself; its password is there."
    told_to = request.app[SERVICES].settings.console.phone_secrets
    own = requester.user is not None and requester.user.id == extension.user_id
    if told_to == _SHOWN_TO_REACH or (told_to == _SHOWN_TO_OWNER and own):
        return ""
    if told_to == _SHOWN_TO_OWNER:
        return "Only the user of the phone sees its password (BRIDGE_CONSOLE_PHONE_SECRETS)."
    return "Passwords are not shown here (BRIDGE_CONSOLE_PHONE_SECRETS)."
