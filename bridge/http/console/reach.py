"""GET /console/reach: the users and extensions that the session may act for."""

from __future__ import annotations

from aiohttp import web

from bridge.directory.model import Extension, User
from bridge.directory.ownership import extensions_of
from bridge.directory.requester import Requester
from bridge.http.context import SERVICES
from bridge.http.json_answer import json_answer
from bridge.http.uapi.fields import Json
from bridge.http.uapi.scope import authenticated_app
from bridge.supervision.fair_share import in_turns


async def reach(request: web.Request) -> web.Response:
    """Each user with the extensions, in the order of the directory file. No secrets."""
    _, requester = authenticated_app(request)
    directory = request.app[SERVICES].directory.directory
    mine = [x for x in directory.users.values() if requester.can_act_for(x)]
    users = await in_turns(mine, lambda x: _user(requester, x))
    names = {x.organization for x in mine}
    organizations = [
        {"prefix": x.prefix, "name": x.name}
        for x in directory.organizations.values()
        if x.prefix in names
    ]
    body = {"organizations": organizations, "users": users}
    return json_answer(body, headers={"Cache-Control": "no-store"})


def _user(requester: Requester, user: User) -> Json:
    return {
        "id": str(user.id),
        "name": user.name,
        "organization": user.organization,
        "extensions": [_extension(x) for x in extensions_of(requester, user)],
    }


def _extension(extension: Extension) -> Json:
    return {
        "number": extension.number,
        "short": extension.short,
        "type": extension.type.value,
        "callerName": extension.caller_name,
        "mayCallPublic": extension.may_call_public,
        "maySetCallerId": extension.may_set_caller_id,
        "recording": extension.recording.value,
        "provisioned": extension.provisioned,
        "devices": extension.devices,
        "webrtc": extension.webrtc,
        "conferences": [x.number for x in extension.conferences],
    }
