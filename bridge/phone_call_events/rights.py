"""Whether an app may still hear of an extension: the directory may have changed since it asked."""

from __future__ import annotations

from typing import Protocol

from bridge.directory.loader import CurrentDirectory
from bridge.directory.requester import Requester
from bridge.phone_call_events.subscription import Subscription


class Rights(Protocol):
    """The right of apps to hear of extensions."""

    def may_hear(self, subscription: Subscription) -> bool:
        """Whether events of it may be made and sent, as things stand now."""


class DirectoryRights:
    """As when it was created: the app acts for the user who owns the extension
    (docs/reference/uapi.md §7)."""

    def __init__(self, current: CurrentDirectory) -> None:
        self._current = current

    def may_hear(self, subscription: Subscription) -> bool:
        directory = self._current.directory
        app = directory.clients.get(subscription.client_id)
        extension = directory.extensions.get(subscription.extension)
        owner = None if extension is None else directory.users.get(extension.user_id)
        if app is None or owner is None:
            return False
        return Requester.of_app(directory, app).can_act_for(owner)
