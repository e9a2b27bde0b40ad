"""Compares two directories, for the log of a reload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from bridge.directory.directory import Directory

_Key = TypeVar("_Key")


def changes(before: Directory, after: Directory) -> dict[str, object]:
    """Counts, and `changed`: False if both directories are equal.

    An editor that replaces a file is not seen by a container into which the file itself is mounted.
    """
    return {
        "changed": before != after,
        "extensions": len(after.extensions),
        **_counts("extensions", before.extensions, after.extensions),
        "users": len(after.users),
        **_counts("users", before.users, after.users),
        "apps": len(after.apps),
        **_counts("apps", before.apps, after.apps),
    }


def _counts(
    name: str, before: Mapping[_Key, object], after: Mapping[_Key, object]
) -> dict[str, object]:
    """The counts that are not 0."""
    found = {
        f"{name}_added": len(after.keys() - before.keys()),
        f"{name}_removed": len(before.keys() - after.keys()),
        f"{name}_changed": sum(before[x] != after[x] for x in before.keys() & after.keys()),
    }
    return {key: count for key, count in found.items() if count}
