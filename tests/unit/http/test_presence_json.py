"""The presence of an extension in the API's form."""

from __future__ import annotations

import pytest

from bridge.calls.state.presence import Presence
from bridge.clock import now_ms
from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.http.uapi.presence_json import ExtensionPresence, presence_json
from bridge.pbx.phones.registrations import Registration

EXTENSIONS = CurrentDirectory(EXAMPLE_FILE, ThrowawaySecrets()).directory.extensions
PHONE, QUEUE = EXTENSIONS["0003*210"], EXTENSIONS["0003*300"]


@pytest.mark.parametrize(
    ("phones", "told"),
    [
        (None, [{"registration": "0"}]),
        ((), [{"registration": "-1"}]),
        ((Registration("", "h:5060", None),), [{"registration": "2", "address": "h:5060"}]),
        ((Registration("x", "", 1),), [{"agent": "x", "registration": "-2"}]),
    ],
)
def test_given_no_registration_in_force_when_told_then_one_says_why(
    phones: tuple[Registration, ...] | None, told: object
) -> None:
    said = presence_json(ExtensionPresence(PHONE, Presence.UNKNOWN, phones), "@self")
    assert said == {"extension": "0003*210", "status": "0", "registration": told}


def test_given_two_phones_when_told_then_both_are_with_the_end_of_their_registration() -> None:
    later_s = now_ms() // 1000 + 60
    phones = tuple(Registration(x, f"{x}:5060", later_s) for x in ("a", "b"))
    said = presence_json(ExtensionPresence(PHONE, Presence.BUSY, phones), "210")
    assert (said["extension"], said["status"]) == ("210", "3")
    registrations = said["registration"]
    assert isinstance(registrations, list)
    assert [x["registration"] for x in registrations] == ["1", "1"]
    assert all(x["expire"].endswith("Z") for x in registrations)


def test_given_a_queue_when_told_then_no_registration_is_necessary() -> None:
    said = presence_json(ExtensionPresence(QUEUE, Presence.ONLINE), "@self")
    assert said["registration"] == [{"registration": "2"}]
