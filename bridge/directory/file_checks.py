"""How the values of a directory file must fit together.

The checks use the tree, not the parsed models, so that one run reports all faults of a file. Values
of a wrong type are skipped here, the schema has reported them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bridge.directory.directory import SANDBOX_SHORT
from bridge.directory.model import ExtensionType
from bridge.directory.number_spelling import bare_number
from bridge.directory.yaml_tree import KeyPath, Tree

_PHONE, _QUEUE = ExtensionType.PHONE_TERMINAL.value, ExtensionType.QUEUE.value
_ONLY_FOR_PHONES = ("sip_secret", "endpoint", "devices", "webrtc", "voicemail")
_NOT_FOR_EXISTING = ("sip_secret", "webrtc")

FileFault = tuple[KeyPath, str]


def check_file(tree: Tree) -> Iterator[FileFault]:
    """The faults that the schema of one entry cannot find, each with its path and reason."""
    if isinstance(tree, dict) and tree.get("organizations") == []:
        yield ("organizations",), "must have at least one organization"
    organizations = list(_entries(tree, "organizations", ()))
    users = [found for path, one in organizations for found in _entries(one, "users", path)]
    extensions = [
        found for path, one in organizations for found in _entries(one, "extensions", path)
    ]
    apps = list(_entries(tree, "apps", ()))

    yield from _repeated(organizations, "id")
    yield from _repeated(organizations, "prefix")
    yield from _repeated(users, "id")
    yield from _repeated(extensions, "number")
    yield from _repeated(extensions, "public_number", same=_number)
    yield from _repeated_endpoints(extensions)
    yield from _repeated(apps, "client_id")
    for key in ("verba_keys", "verba_users"):
        entries = list(_entries(tree, key, ()))
        yield from _repeated(entries, "name")
        yield from _repeated(entries, "key")
    for path, organization in organizations:
        yield from _check_extensions(path, organization)
    prefixes = {_text(one, "prefix") for _, one in organizations}
    user_ids = {_text(one, "id") for _, one in users}
    for key in ("verba_keys", "verba_users"):
        for path, entry in _entries(tree, key, ()):
            yield from _check_organization(path, _text(entry, "organization"), prefixes)
    for path, app in apps:
        yield from _check_account(path, _text(app, "account"), prefixes, user_ids)


def _check_extensions(path: KeyPath, organization: dict[str, Tree]) -> Iterator[FileFault]:
    own_users = {_text(one, "id") for _, one in _entries(organization, "users", ())}
    expected = _text(organization, "prefix")
    for here, extension in _entries(organization, "extensions", path):
        yield from _check_membership(here, extension, expected, own_users)
        yield from _check_kind(here, extension)
        if _text(extension, "type") != _QUEUE and _given(extension, "queue"):
            yield (*here, "queue"), f"only for a {_QUEUE}"


def _check_membership(
    path: KeyPath, extension: dict[str, Tree], expected: str | None, own_users: set[str | None]
) -> Iterator[FileFault]:
    number = _text(extension, "number") or ""
    prefix, star, short = number.partition("*")
    if star and expected is not None and prefix != expected:
        yield (*path, "number"), f"must begin with the prefix of its organization, {expected}*"
    if star and short == SANDBOX_SHORT:
        yield (*path, "number"), f"*{SANDBOX_SHORT} is the sandbox number of every organization"
    user = _text(extension, "user")
    if user is not None and user not in own_users:
        yield (*path, "user"), f"there is no user {user} in this organization"


def _check_kind(path: KeyPath, extension: dict[str, Tree]) -> Iterator[FileFault]:
    kind = _text(extension, "type")
    if kind == _PHONE:
        yield from _check_phone(path, extension)
    elif kind in {known.value for known in ExtensionType}:
        for key in _ONLY_FOR_PHONES:
            if _given(extension, key):
                yield (*path, key), f"only for a {_PHONE}"
        if kind != ExtensionType.CONFERENCE.value and _given(extension, "conferences"):
            yield (*path, "conferences"), "only for a Conference"
        yield from _repeated(list(_entries(extension, "conferences", path)), "number")
        if kind == ExtensionType.CALLBACK.value and _given(extension, "dial"):
            yield (*path, "dial"), f"not for a {kind} extension, which cannot be called"


def _check_phone(path: KeyPath, extension: dict[str, Tree]) -> Iterator[FileFault]:
    if _given(extension, "dial"):
        yield (*path, "dial"), f"not for a {_PHONE}; name an existing phone with 'endpoint'"
    if _given(extension, "conferences"):
        yield (*path, "conferences"), "only for a Conference"
    for key in _NOT_FOR_EXISTING if _given(extension, "endpoint") else ():
        if _given(extension, key):
            yield (*path, key), "not for an existing phone, which 'endpoint' names"


def _check_account(
    path: KeyPath, account: str | None, prefixes: set[str | None], user_ids: set[str | None]
) -> Iterator[FileFault]:
    level, _, name = (account or "").partition(" ")
    if level == "organization" and name not in prefixes:
        yield (*path, "account"), f"there is no organization with the prefix {name}"
    if level == "user" and name not in user_ids:
        yield (*path, "account"), f"there is no user {name}"


def _check_organization(
    path: KeyPath, prefix: str | None, prefixes: set[str | None]
) -> Iterator[FileFault]:
    if prefix is not None and prefix not in prefixes:
        yield (*path, "organization"), f"there is no organization with the prefix {prefix}"


def _repeated(
    entries: list[tuple[KeyPath, dict[str, Tree]]],
    key: str,
    same: Callable[[str], str] = lambda value: value,
) -> Iterator[FileFault]:
    """`same`: returns the common form of all spellings of one value."""
    first: dict[str, KeyPath] = {}
    for path, entry in entries:
        value = _text(entry, key)
        if value is None:
            continue
        if same(value) in first:
            yield (*path, key), f"{value} is taken already by {spell_path(first[same(value)])}"
        first.setdefault(same(value), path)


def _number(written: str) -> str:
    """The common form of all spellings of one public number."""
    return bare_number(written).removeprefix("+")


def _repeated_endpoints(entries: list[tuple[KeyPath, dict[str, Tree]]]) -> Iterator[FileFault]:
    """A phone without `endpoint` has the one named as its number."""
    own = {f"PJSIP/{_text(one, 'number')}" for _, one in entries if _is_provisioned(one)}
    for path, entry in entries:
        if _text(entry, "endpoint") in own:
            yield (*path, "endpoint"), "is the endpoint of another extension, one made from here"
    yield from _repeated(entries, "endpoint")


def _is_provisioned(extension: dict[str, Tree]) -> bool:
    return _text(extension, "type") == _PHONE and not _given(extension, "endpoint")


def _entries(tree: Tree, key: str, path: KeyPath) -> Iterator[tuple[KeyPath, dict[str, Tree]]]:
    items = tree.get(key) if isinstance(tree, dict) else None
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict):
            yield (*path, key, index), item


def _text(entry: dict[str, Tree], key: str) -> str | None:
    value = entry.get(key)
    return value if isinstance(value, str) else None


def _given(entry: dict[str, Tree], key: str) -> bool:
    return entry.get(key) is not None


def spell_path(path: KeyPath) -> str:
    """`organizations[0].extensions[2].caller_id`"""
    spelled = ""
    for part in path:
        if isinstance(part, int):
            spelled += f"[{part}]"
        else:
            spelled += f".{part}" if spelled else part
    return spelled
