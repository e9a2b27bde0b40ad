"""Who is asking, and how far they reach."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.directory.directory import Directory
from bridge.directory.model import AccountLevel, App, Extension, User


@dataclass(frozen=True, slots=True)
class Caller:
    """The scope of one request: made once, so that a reload midway changes nothing for it.

    `organization` is the prefix in which short numbers are looked up, None for administrators.
    `user` is the authenticated user (`@me`), None unless the app is registered to a user.
    """

    directory: Directory = field(repr=False)
    level: AccountLevel
    organization: str | None
    user: User | None

    @classmethod
    def of_app(cls, directory: Directory, app: App) -> Caller:
        user = None if app.user_id is None else directory.users.get(app.user_id)
        return cls(directory, app.level, app.organization, user)

    @classmethod
    def of_extension(cls, directory: Directory, extension: Extension) -> Caller:
        """The scope in which a phone of that extension dials."""
        user = directory.users.get(extension.user_id)
        return cls(directory, AccountLevel.USER, extension.organization, user)

    @property
    def is_administrator(self) -> bool:
        return self.level is AccountLevel.ADMINISTRATOR

    def can_call_into(self, organization: str) -> bool:
        """Whether the extensions of this organization (a prefix) exist for the caller."""
        return self.is_administrator or organization == self.organization

    def can_act_for(self, user: User) -> bool:
        """Whether the caller may name this user: narrower than whom they may call."""
        if self.level is AccountLevel.USER:
            return self.user is not None and user.id == self.user.id
        return self.can_call_into(user.organization)
