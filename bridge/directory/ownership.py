"""Which user a request acts for, and which extension of theirs.

What the caller may not act for and what does not exist give the same error with the same text.
"""

from __future__ import annotations

from bridge.directory.caller import Caller
from bridge.directory.errors import ExtensionInvalid, UserInvalid, shown
from bridge.directory.model import Extension, User
from bridge.directory.numbers import find_extension

SELF = "@self"
AUTHENTICATED_USER = ("@me", "@viewer")
OWNER = "@owner"


def resolve_user(caller: Caller, text: str, extension: str | None = None) -> User:
    """The user that `text` (`@me`, `@viewer`, `@owner`, `12`) names. Raises UserInvalid.

    `extension` is the number in the same request, of which `@owner` is the owner. Raises
    ExtensionInvalid where that names none.
    """
    if text in AUTHENTICATED_USER:
        if caller.user is None:
            raise UserInvalid(
                f"user id {text}: this app is not registered to a user, so the user id must be "
                "given as a number"
            )
        return caller.user
    if text == OWNER:
        return _owner(caller, extension)
    user = _user_by_id(caller, text)
    if user is None or not caller.can_act_for(user):
        raise UserInvalid(
            f"user id {shown(text)}: there is no such user; it must be @me, @viewer, @owner or "
            "the numeric id of a user"
        )
    return user


def resolve_extension(caller: Caller, user: User, text: str) -> Extension:
    """The extension of `user` that `text` names, short or extended. Raises ExtensionInvalid.

    `@self` is many extensions and refused here: see `extensions_of`.
    """
    if text == SELF:
        raise ExtensionInvalid(f"extension {SELF}: one extension must be named here")
    extension = find_extension(caller, text)
    if extension is None or extension.user_id != user.id:
        raise _no_extension(caller, text)
    return extension


def extensions_of(caller: Caller, user: User) -> tuple[Extension, ...]:
    """`@self`: all extensions of the user, in the order of the file."""
    return caller.directory.extensions_of(user)


def _owner(caller: Caller, extension: str | None) -> User:
    if extension is None or extension == SELF:
        raise ExtensionInvalid(f"extension: with user id {OWNER} one extension must be named")
    found = find_extension(caller, extension)
    owner = None if found is None else caller.directory.users.get(found.user_id)
    if owner is None or not caller.can_act_for(owner):
        raise _no_extension(caller, extension)
    return owner


def _no_extension(caller: Caller, text: str) -> ExtensionInvalid:
    hint = ", in the extended form as in 0003*210" if caller.is_administrator else ""
    return ExtensionInvalid(
        f"extension {shown(text)}: it must be the number of an extension of the user{hint}"
    )


def _user_by_id(caller: Caller, text: str) -> User | None:
    # Longer than any id: int() of very long digit strings is slow and then an error.
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        return None
    user = caller.directory.users.get(int(text))
    return user if user is not None and str(user.id) == text else None
