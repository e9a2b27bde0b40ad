"""The users and extensions whose call detail records a request means."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from bridge.calls.state.phone_call import PhoneCall
from bridge.directory.directory import Directory
from bridge.directory.model import App, Extension, User
from bridge.directory.ownership import SELF, extensions_of, resolve_user
from bridge.directory.requester import Requester
from bridge.http.uapi.scope import Scope, authenticated_app


@dataclass(frozen=True, slots=True)
class CdrScope:
    """The requester, and the extensions whose calls it asks for, by number."""

    app: App
    directory: Directory
    organization: str | None
    extensions: dict[str, Extension]

    def reader_of(self, call: PhoneCall) -> Scope | None:
        """As whom the requester reads this call: who pays it, else the first party that it
        reaches. None where that has left the directory since."""
        parties = (call.extension, *(x.extension for x in call.legs), call.called_service)
        mine = next((self.extensions[x] for x in parties if x in self.extensions), None)
        user = None if mine is None else self.directory.users.get(mine.user_id)
        return None if mine is None or user is None else Scope(self.app, user, (mine,), SELF)


def cdr_scope_of(request: web.Request) -> CdrScope:
    """The scope of `/cdr[/{userId}]`: without a user, all whom the app may act for.

    Raises access_denied, user_invalid.
    """
    app, requester = authenticated_app(request)
    text = request.match_info.get("userId")
    users = _all_users(requester) if text is None else [resolve_user(requester, text)]
    found = {x.number: x for user in users for x in extensions_of(requester, user)}
    return CdrScope(app, requester.directory, requester.organization, found)


def _all_users(requester: Requester) -> list[User]:
    return [x for x in requester.directory.users.values() if requester.can_act_for(x)]
