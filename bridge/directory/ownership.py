"""Which user a request acts for, and which extension of theirs.

A user out of reach and a user that does not exist give the same error with the same text.
"""

from __future__ import annotations

from bridge.directory.errors import ExtensionInvalid, UserInvalid, shown
from bridge.directory.model import Extension, User
from bridge.directory.numbers import find_extension
from bridge.directory.requester import Requester

SELF = "@self"
AUTHENTICATED_USER = ("@me", "@viewer")
OWNER = "@owner"


def resolve_user(requester: Requester, text: str, extension: str | None = None) -> User:
    """The user that `text` (`@me`, `@viewer`, `@owner`, `12`) names. Raises UserInvalid.

    `extension` is the number in the same request; `@owner` means its owner. Raises ExtensionInvalid
    where that names none.
    """
    if text in AUTHENTICATED_USER:
        if requester.user is None:
            raise UserInvalid(
                f"user id {text}: this app is not registered to a user, so the user id must be "
                "given as a number"
            )
        return requester.user
    if text == OWNER:
        return _owner(requester, extension)
    user = _user_by_id(requester, text)
    if user is None or not requester.can_act_for(user):
        raise UserInvalid(
            f"user id {shown(text)}: there is no such user; it must be @me, @viewer, @owner or "
            "the numeric id of a user"
        )
    return user


def resolve_extension(requester: Requester, user: User, text: str) -> Extension:
    """The extension of `user` that `text` names, short or extended. Raises ExtensionInvalid.

    `@self` is many extensions and refused here: see `extensions_of`.
    """
    if text == SELF:
        raise ExtensionInvalid(f"extension {SELF}: one extension must be named here")
    extension = find_extension(requester, text)
    if extension is None or extension.user_id != user.id:
        raise _no_extension(requester, text)
    return extension


def extensions_of(requester: Requester, user: User) -> tuple[Extension, ...]:
    """`@self`: all extensions of the user, in the order of the file."""
    return requester.directory.extensions_of(user)


def _owner(requester: Requester, extension: str | None) -> User:
    if extension is None or extension == SELF:
        raise ExtensionInvalid(f"extension: with user id {OWNER} one extension must be named")
    found = find_extension(requester, extension)
    owner = None if found is None else requester.directory.users.get(found.user_id)
    if owner is None or not requester.can_act_for(owner):
        raise _no_extension(requester, extension)
    return owner


def _no_extension(requester: Requester, text: str) -> ExtensionInvalid:
    hint = ", in the extended form as in 0003*210" if requester.is_administrator else ""
    return ExtensionInvalid(
        f"extension {shown(text)}: it must be the number of an extension of the user{hint}"
    )


def _user_by_id(requester: Requester, text: str) -> User | None:
    # Longer than any id: int() of very long digit strings is slow and then an error.
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        return None
    return requester.directory.users.get(int(text))  # 0012 is 12: the vendor's ids are numbers
