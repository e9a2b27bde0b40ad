"""The directory in force, with an index for every question asked of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

from bridge.directory.model import (
    AccountLevel,
    App,
    Extension,
    Organization,
    RecordingMode,
    User,
    VerbaKey,
    VerbaUser,
)
from bridge.directory.number_rules import NumberRules, OutboundRoute

DEFAULT_SERVICES_CONTEXT = "services"
SANDBOX_SHORT = "00"  # `0003*00` answers in every organization; no extension may have it

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")


@dataclass(frozen=True, slots=True)
class Directory:
    """Immutable. Extensions are keyed by extended number, organizations by prefix.

    `clients`: who may hold a token, by client id: the apps, and each user with a password.

    Built by `Directory.of`, which trusts its input: uniqueness is the loader's business.
    """

    organizations: Mapping[str, Organization]
    users: Mapping[int, User]
    extensions: Mapping[str, Extension]
    apps: Mapping[str, App]
    clients: Mapping[str, App]
    extensions_by_endpoint: Mapping[str, Extension]
    extensions_by_public_number: Mapping[str, Extension]
    extensions_by_user: Mapping[int, tuple[Extension, ...]]
    outbound_route: OutboundRoute | None
    number_rules: NumberRules
    services_context: str
    verba_keys: tuple[VerbaKey, ...] = ()
    verba_users: Mapping[str, VerbaUser] = field(default_factory=dict)
    always_recorded: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        *,
        organizations: Iterable[Organization] = (),
        users: Iterable[User] = (),
        extensions: Iterable[Extension] = (),
        apps: Iterable[App] = (),
        outbound_route: OutboundRoute | None = None,
        number_rules: NumberRules | None = None,
        services_context: str = DEFAULT_SERVICES_CONTEXT,
        verba_keys: Iterable[VerbaKey] = (),
        verba_users: Iterable[VerbaUser] = (),
    ) -> Directory:
        """Make the directory with its indexes.

        It trusts its input: the rules of the file are checked before.
        """
        known = tuple(extensions)
        known_apps, known_users = tuple(apps), tuple(users)
        signing_in = [client_of(x) for x in known_users if x.password is not None]
        return cls(
            organizations=_index(organizations, lambda one: one.prefix),
            users=_index(known_users, lambda one: one.id),
            extensions=_index(known, lambda one: one.number),
            apps=_index(known_apps, lambda one: one.client_id),
            clients=_index((*known_apps, *signing_in), lambda one: one.client_id),
            extensions_by_endpoint=_index(known, lambda one: one.endpoint or None),
            extensions_by_public_number=_index(known, lambda one: one.public_number),
            extensions_by_user=_group(known, lambda one: one.user_id),
            outbound_route=outbound_route,
            number_rules=number_rules or NumberRules(),
            services_context=services_context,
            verba_keys=tuple(verba_keys),
            verba_users=_index(verba_users, lambda one: one.name),
            always_recorded=frozenset(
                one.number for one in known if one.recording is RecordingMode.ALWAYS
            ),
        )

    @property
    def has_voicemail(self) -> bool:
        """Whether the mailbox of an extension takes its calls."""
        forwards = (x.forwards for x in self.extensions.values())
        return any(x is not None and x.voicemail for x in forwards)

    def extensions_of(self, user: User) -> tuple[Extension, ...]:
        """All extensions of the user (`@self`), in the order of the file."""
        return self.extensions_by_user.get(user.id, ())

    def provisioned_phones(self) -> tuple[Extension, ...]:
        """The phones that the PBX learns from us."""
        return tuple(one for one in self.extensions.values() if one.provisioned)

    def service_dial(self, number: str) -> str:
        """The dial string of a queue, IVR or conference (`0003*300`, `0003*00`), which the dialplan
        implements."""
        return service_dial(number, self.services_context)


def client_of(user: User) -> App:
    """The user as an app has it: the same rights, and tokens that a new password ends.

    No app has such a client id: that has no `/`.
    """
    return App(
        client_id=f"user/{user.id}",
        client_secret=user.password or "",
        name=user.name,
        level=AccountLevel.USER,
        user_id=user.id,
        organization=user.organization,
    )


def service_dial(number: str, context: str) -> str:
    """`/n`: the Local channel must stay, or the call would lose the identity we gave it."""
    return f"Local/{number}@{context}/n"


def _index(items: Iterable[_V], key: Callable[[_V], _K | None]) -> Mapping[_K, _V]:
    keyed = ((key(item), item) for item in items)
    return MappingProxyType({k: item for k, item in keyed if k is not None})


def _group(items: Iterable[_V], key: Callable[[_V], _K]) -> Mapping[_K, tuple[_V, ...]]:
    groups: defaultdict[_K, list[_V]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return MappingProxyType({k: tuple(group) for k, group in groups.items()})
