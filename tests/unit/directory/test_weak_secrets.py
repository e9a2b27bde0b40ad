"""Which secrets of a directory file are named as weak."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.directory.weak_secrets import weak_secret_notes, weak_secrets, weakness

from .small_directory import SMALL, changed, load

STRONG = "kT7-wq0ZpR4xUe2L"


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        (STRONG, ""),
        ("5f0c3a9e7b2d481695ce", ""),
        ("kT7wq0Zp", "has 8 characters"),
        ("abcabcabcabcabcabcabc", "has 3 different characters"),
        ("alice-alice-alice2026!", "holds the name"),
        (f"alice-{STRONG}", ""),
    ],
)
def test_weakness(secret: str, why: str) -> None:
    assert weakness(secret, "alice").startswith(why)
    assert bool(weakness(secret, "alice")) is bool(why)


def test_generated_secrets_are_not_weak(tmp_path: Path) -> None:
    assert weak_secrets(load(tmp_path, SMALL)) == []


def test_each_weak_secret_is_named_by_owner_and_field_and_never_shown(tmp_path: Path) -> None:
    text = changed("    account: user 12\n", "    account: user 12\n    client_secret: geheimes1\n")
    text = changed("        user: 12\n", "        user: 12\n        sip_secret: passw0rd\n", text)
    text += "verba_keys:\n  - {name: front, key: 11111111-1111-1111-1111-111111111111}\n"
    text += "verba_users:\n  - {name: boss, password: hunter2hunter}\n"
    notes = weak_secret_notes(load(tmp_path, text))
    assert [x.partition(" has ")[0] for x in notes] == [
        "client_secret of app app",
        "sip_secret of extension 0003*210",
        "key of Verba key front",
        "password of Verba user boss",
    ]
    assert not any(x in "\n".join(notes) for x in ("geheimes1", "passw0rd", "1111", "hunter2"))
