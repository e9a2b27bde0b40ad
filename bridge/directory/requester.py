"""The requester of an API request, and the users and organizations within its reach."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.directory.directory import Directory
from bridge.directory.model import AccountLevel, App, User


@dataclass(frozen=True, slots=True)
class Requester:
    """The scope of one request: made once, so that a reload midway changes nothing for it.

    `organization` is the prefix in which short numbers are looked up, None for administrators.
    `user` is the authenticated user (`@me`), None unless the app is registered to a user.
    """

    directory: Directory = field(repr=False)
    level: AccountLevel
    organization: str | None
    user: User | None

    @classmethod
    def of_app(cls, directory: Directory, app: App) -> Requester:
        """The app as a requester, with its user in this directory if it has one."""
        user = None if app.user_id is None else directory.users.get(app.user_id)
        return cls(directory, app.level, app.organization, user)

    @property
    def is_administrator(self) -> bool:
        return self.level is AccountLevel.ADMINISTRATOR

    def can_call_into(self, organization: str) -> bool:
        """Whether the extensions of this organization (a prefix) exist for the requester."""
        return self.is_administrator or organization == self.organization

    def can_act_for(self, user: User) -> bool:
        """Whether the requester may name this user: narrower than whom they may call."""
        if self.level is AccountLevel.USER:
            return self.user is not None and user.id == self.user.id
        return self.can_call_into(user.organization)
