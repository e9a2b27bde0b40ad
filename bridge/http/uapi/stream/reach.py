"""The extensions that a stream follows: those of one user, or all in reach of the app (`@all`).

`@all` is ours, and of streams only: an action names one user.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from aiohttp import web

from bridge.calls.state.phone_call import PhoneCall
from bridge.directory.errors import ExtensionInvalid, UserInvalid
from bridge.directory.model import App, Extension, User
from bridge.directory.ownership import SELF
from bridge.http.context import SERVICES
from bridge.http.uapi.scope import Scope, authenticated_app, scope_of

ALL = "@all"


def followed_scope(request: web.Request) -> Scope:
    """The extensions to follow. Raises user_invalid, extension_invalid.

    With `@all` the user of the scope is the first of many: a call is shown as `scopes_of_calls`
    says.
    """
    if request.match_info["userId"] != ALL:
        return scope_of(request)
    app, requester = authenticated_app(request)
    directory = request.app[SERVICES].directory.directory
    if request.match_info["extension"] != SELF:
        raise ExtensionInvalid(f"extension: with user id {ALL} it must be {SELF}")
    users = [x for x in directory.users.values() if requester.can_act_for(x)]
    if not users:
        raise UserInvalid(f"user id {ALL}: this app may act for no user")
    return Scope(app, users[0], tuple(x for u in users for x in directory.extensions_of(u)), SELF)


@dataclass(frozen=True, slots=True)
class ScopesOfCalls:
    """Of each user, the scope in which a request for that user would show a call."""

    of_user: dict[int, Scope]
    users: dict[str, int]

    def scope_of(self, call: PhoneCall) -> tuple[Scope, str]:
        """The scope that shows the call, and its user in a URI: who pays, else who takes part."""
        numbers = (call.extension, *sorted(call.extensions))
        user_id = next((self.users[x] for x in numbers if x in self.users), None)
        scope = next(iter(self.of_user.values())) if user_id is None else self.of_user[user_id]
        return scope, str(scope.user.id)


def scopes_of_calls(request: web.Request, scope: Scope) -> ScopesOfCalls | None:
    """None where the URI names one user, so that one scope shows all calls."""
    if request.match_info["userId"] != ALL:
        return None
    users = request.app[SERVICES].directory.directory.users
    return _scopes(
        scope.app, scope.extensions, {x.user_id: users[x.user_id] for x in scope.extensions}
    )


def _scopes(app: App, extensions: tuple[Extension, ...], users: dict[int, User]) -> ScopesOfCalls:
    of_user: defaultdict[int, list[Extension]] = defaultdict(list)
    for extension in extensions:
        of_user[extension.user_id].append(extension)
    return ScopesOfCalls(
        {user_id: Scope(app, users[user_id], tuple(x), SELF) for user_id, x in of_user.items()},
        {x.number: x.user_id for x in extensions},
    )
