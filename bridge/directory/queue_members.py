"""The agents of a queue in the directory file: extensions of its organization, each once."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.directory.file_schema import DirectoryFile, ExtensionEntry
from bridge.directory.model import ExtensionType
from bridge.directory.yaml_tree import KeyPath

MEMBERS_MAX = 200
"""Of one queue: each is an action of its own after a start of the PBX."""


def extended(number: str, prefix: str) -> str:
    """`0003*210` for `210` of the organization 0003, and for itself."""
    return number if "*" in number else f"{prefix}*{number}"


def check_queue_members(file: DirectoryFile) -> Iterator[tuple[KeyPath, str]]:
    """The faults of the members of all queues, each with its path and reason."""
    names: dict[str, str] = {}
    for at, organization in enumerate(file.organizations):
        phones = {
            x.number for x in organization.extensions if x.type is ExtensionType.PHONE_TERMINAL
        }
        for number, entry in enumerate(organization.extensions):
            if entry.queue is not None:
                path = ("organizations", at, "extensions", number, "queue")
                yield from _faults(entry, organization.prefix, phones, path)
                name = entry.queue.name or entry.number
                if name in names:
                    yield (*path, "name"), f"{name} is the queue of {names[name]} already"
                names[name] = entry.number


def _faults(
    entry: ExtensionEntry, prefix: str, phones: set[str], path: KeyPath
) -> Iterator[tuple[KeyPath, str]]:
    members = () if entry.queue is None else entry.queue.members or ()
    if len(members) > MEMBERS_MAX:
        yield (*path, "members"), f"has more than {MEMBERS_MAX} numbers"
    seen = set()
    for at, written in enumerate(members):
        number = extended(written, prefix)
        if number not in phones:
            yield (*path, "members", at), f"there is no phone {number} in this organization"
        elif number in seen:
            yield (*path, "members", at), f"{number} is written twice"
        seen.add(number)
