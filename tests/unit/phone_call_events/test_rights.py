"""Whether an app may still hear of an extension."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.phone_call_events.rights import DirectoryRights
from bridge.phone_call_events.subscription import EventType, Method, Subscription

RIGHTS = DirectoryRights(CurrentDirectory(EXAMPLE_FILE, ThrowawaySecrets()))


def test_given_another_directory_when_asked_again_then_it_decides() -> None:
    current = SimpleNamespace(
        directory=CurrentDirectory(EXAMPLE_FILE, ThrowawaySecrets()).directory
    )
    rights = DirectoryRights(cast("CurrentDirectory", current))
    subscription = Subscription(
        *("id", "0003*210", (EventType.HANG_UP,), "http://x/", Method.GET, True, "", "s"),
        client_id="user-12",
        modified_ms=0,
    )
    assert rights.may_hear(subscription)
    current.directory = SimpleNamespace(clients={}, extensions={}, users={})
    assert not rights.may_hear(subscription)


@pytest.mark.parametrize(
    ("app", "extension", "may"),
    [
        ("user-12", "0003*210", True),
        ("user-12", "0003*220", False),  # a colleague's
        ("user-13", "0003*220", True),
        ("organization-0003", "0003*220", True),
        ("organization-0004", "0003*220", False),
        ("administrator", "0004*210", True),
        ("user/12", "0003*210", True),  # a user with a password
        ("user/12", "0003*220", False),
        ("user/13", "0003*220", False),  # has none
        ("gone", "0003*210", False),
        ("user-12", "0003*999", False),
    ],
)
def test_given_the_directory_as_it_is_when_asked_then_the_owner_of_the_extension_decides(
    app: str, extension: str, may: bool
) -> None:
    subscription = Subscription(
        "id", extension, (EventType.HANG_UP,), "http://x/", Method.GET, True, "", "secret", app, 0
    )
    assert RIGHTS.may_hear(subscription) is may
