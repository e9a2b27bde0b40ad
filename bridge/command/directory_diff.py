"""`uapi-bridge directory diff`: the change from one directory file to another, entry by entry."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import Field, dataclass, fields, is_dataclass
from enum import Enum
from typing import Any, Literal

from bridge.directory.directory import Directory

_SECRET = "(secret)"  # noqa: S105
_NOT_SHOWN = ("secret_name",)
_SPACE = uuid.UUID(int=0)


class SecretsByName:
    """Makes up the same secret for a name in both files, so that the two are equal."""

    def get_or_create(self, name: str) -> str:
        """A secret that depends on the name alone."""
        return str(uuid.uuid5(_SPACE, name))

    def get_or_create_all(self, names: Iterable[str]) -> dict[str, str]:
        """As `get_or_create`, for each name."""
        return {name: self.get_or_create(name) for name in names}

    def read_again(self) -> None:
        """There is nothing to read."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`kind`: extension, user and so on; `name`: its key. `fields`: before and after, as texts."""

    what: Literal["added", "removed", "changed"]
    kind: str
    name: str
    fields: Mapping[str, tuple[str, str]]


def differences(before: Directory, after: Directory) -> list[Difference]:
    """All of them, in the order of kinds and names. A secret is never shown."""
    found: list[Difference] = []
    for kind, old, new in _kinds(before, after):
        for name in sorted({**old, **new}, key=str):
            found += _of_one(kind, str(name), old.get(name), new.get(name))
    return found


def as_lines(found: Iterable[Difference]) -> str:
    """`+`, `-` and `~` for added, removed and changed entries."""
    signs = {"added": "+", "removed": "-", "changed": "~"}
    lines = []
    for one in found:
        lines.append(f"{signs[one.what]} {one.kind} {one.name}")
        lines += [f"    {x}: {was} -> {now}" for x, (was, now) in one.fields.items()]
    return "\n".join(lines) or "no difference"


def as_objects(found: Iterable[Difference]) -> list[dict[str, object]]:
    """For JSON."""
    return [
        {
            "what": x.what,
            "kind": x.kind,
            "name": x.name,
            "fields": {k: {"before": a, "after": b} for k, (a, b) in x.fields.items()},
        }
        for x in found
    ]


def _kinds(
    before: Directory, after: Directory
) -> Iterator[tuple[str, Mapping[Any, object], Mapping[Any, object]]]:
    yield "organization", before.organizations, after.organizations
    yield "user", before.users, after.users
    yield "extension", before.extensions, after.extensions
    yield "app", before.apps, after.apps
    yield "verba key", _keys(before), _keys(after)
    yield "verba user", before.verba_users, after.verba_users
    yield "rule", _rules(before), _rules(after)


def _keys(directory: Directory) -> dict[str, object]:
    return {x.name: x for x in directory.verba_keys}


def _rules(directory: Directory) -> dict[str, object]:
    found: dict[str, object] = {
        "public_numbers": directory.number_rules,
        "services_context": directory.services_context,
    }
    if directory.outbound_route is not None:
        found["outbound_route"] = directory.outbound_route
    return found


def _of_one(kind: str, name: str, before: object, after: object) -> Iterator[Difference]:
    if before == after:
        return
    if before is None or after is None:
        yield Difference("added" if before is None else "removed", kind, name, {})
        return
    yield Difference("changed", kind, name, dict(_changed_fields(before, after)))


def _changed_fields(before: object, after: object) -> Iterator[tuple[str, tuple[str, str]]]:
    if not is_dataclass(before) or type(before) is not type(after):
        yield "value", (_text(before), _text(after))
        return
    for field in fields(before):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if old != new and field.name not in _NOT_SHOWN:
            yield field.name, (_shown(field, old), _shown(field, new))


def _shown(field: Field[Any], value: object) -> str:
    return _SECRET if not field.repr and value is not None else _text(value)


def _text(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple | list | frozenset):
        return ", ".join(map(_text, value)) or "none"
    return str(value)
