"""Secrets of a directory file that could be guessed. Generated secrets are never weak."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.directory.directory import Directory

MIN_CHARS = 16
_MIN_DIFFERENT = 8
_SHOWN = 5


def weak_secrets(directory: Directory) -> list[str]:
    """For each weak one, whose it is and what is weak about it. Never the secret."""
    return [
        f"{field} of {owner} {why}"
        for owner, name, field, secret in _secrets(directory)
        if (why := weakness(secret, name))
    ]


def weakness(secret: str, name: str) -> str:
    """Why somebody who knows the owner's name could guess the secret; empty where nothing does."""
    if len(secret) < MIN_CHARS:
        return f"has {len(secret)} characters; take {MIN_CHARS} or more"
    if len(set(secret)) < _MIN_DIFFERENT:
        return f"has {len(set(secret))} different characters; take {_MIN_DIFFERENT} or more"
    rest = secret.lower().replace(name.lower(), "")
    if len(rest) < MIN_CHARS and len(rest) < len(secret):
        return "holds the name of its owner, and little more"
    return ""


def weak_secret_notes(directory: Directory) -> list[str]:
    """The first ones, and how many more there are."""
    found = weak_secrets(directory)
    more = [f"{len(found) - _SHOWN} more secrets are weak"] if len(found) > _SHOWN else []
    return [*found[:_SHOWN], *more]


def _secrets(directory: Directory) -> Iterator[tuple[str, str, str, str]]:
    """Owner, its name, the field of the file, the secret."""
    for app in directory.apps.values():
        yield f"app {app.client_id}", app.client_id, "client_secret", app.client_secret
    for extension in directory.extensions.values():
        if extension.sip_secret is not None:
            number = extension.number
            yield f"extension {number}", number, "sip_secret", extension.sip_secret
    for key in directory.verba_keys:
        yield f"Verba key {key.name}", key.name, "key", key.key
    for user in directory.verba_users.values():
        yield f"Verba user {user.name}", user.name, "password", user.password
