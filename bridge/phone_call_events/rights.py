"""Whether an app may still hear of an extension: the directory may have changed since it asked."""

from __future__ import annotations

from typing import Protocol

from bridge.directory.directory import Directory
from bridge.directory.loader import CurrentDirectory
from bridge.directory.requester import Requester
from bridge.phone_call_events.subscription import Subscription

_ANSWERS_KEPT = 10_000


class Rights(Protocol):
    """The right of apps to hear of extensions."""

    def may_hear(self, subscription: Subscription) -> bool:
        """Whether events of it may be made and sent, as things stand now."""


class DirectoryRights:
    """As when it was created: the app acts for the user who owns the extension
    (docs/reference/uapi.md §7)."""

    def __init__(self, current: CurrentDirectory) -> None:
        self._current = current
        # Asked for each event, while a directory stays for days.
        self._asked_of = current.directory
        self._answers: dict[tuple[str, str], bool] = {}

    def may_hear(self, subscription: Subscription) -> bool:
        directory = self._current.directory
        if directory is not self._asked_of or len(self._answers) >= _ANSWERS_KEPT:
            self._asked_of, self._answers = directory, {}
        asked = subscription.client_id, subscription.extension
        answer = self._answers.get(asked)
        if answer is None:
            answer = self._answers[asked] = _may_hear(directory, subscription)
        return answer


def _may_hear(directory: Directory, subscription: Subscription) -> bool:
    app = directory.clients.get(subscription.client_id)
    extension = directory.extensions.get(subscription.extension)
    owner = None if extension is None else directory.users.get(extension.user_id)
    if app is None or owner is None:
        return False
    return Requester.of_app(directory, app).can_act_for(owner)
