"""The directory as it is in force: organizations, users, extensions, apps, numbers.

Immutable; a reload makes new ones (bridge.directory.loader). Lookups go through the indexes of
bridge.directory.directory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Network, IPv6Network


class ExtensionType(Enum):
    PHONE_TERMINAL = "Phone Terminal"
    QUEUE = "Queue"
    IVR = "IVR"
    CONFERENCE = "Conference"


class AccountLevel(Enum):
    """Where an app is registered; decides whom it reaches (uapi.md §7)."""

    USER = "User"
    ORGANIZATION = "Organization"
    ADMINISTRATOR = "Administrator"


class RecordingMode(Enum):
    NEVER = "never"
    ALWAYS = "always"
    ON_DEMAND = "on demand"


@dataclass(frozen=True, slots=True)
class Extension:
    """`number` is the extended form (`0003*210`), the key of an extension everywhere.

    `dial` is the dial string (`PJSIP/0003*210`, `Local/0003*300@services/n`), `endpoint` its form
    in channel names (`PJSIP/0003*210`), empty for extensions that are dialplan and have no phone.
    `sip_secret` is set exactly for the phones that are ours to provision, not for those that exist
    on the PBX already. `secret_name`: its key among the generated secrets, None when the file gives
    the secret itself.
    """

    number: str
    type: ExtensionType
    user_id: int
    organization: str
    dial: str
    endpoint: str
    caller_name: str
    caller_number: str
    may_set_caller_id: bool
    may_call_public: bool
    public_number: str | None = None
    secret_name: str | None = None
    sip_secret: str | None = field(default=None, repr=False)
    recording: RecordingMode = RecordingMode.NEVER

    @property
    def short(self) -> str:
        """The number inside its organization (`210` of `0003*210`)."""
        return self.number.partition("*")[2]

    @property
    def provisioned(self) -> bool:
        """Whether the PBX learns this phone from us."""
        return self.sip_secret is not None


@dataclass(frozen=True, slots=True)
class User:
    id: int
    name: str
    organization: str


@dataclass(frozen=True, slots=True)
class Organization:
    """`prefix` is the part before the `*` of its extension numbers (`0003`).

    `retention_days`: so long after its end a recorded call cannot be deleted; None: as the settings
    say.
    """

    id: int
    prefix: str
    name: str
    retention_days: int | None = None


@dataclass(frozen=True, slots=True)
class App:
    """An OAuth client.

    `user_id` is set for User apps, `organization` (a prefix) for User and Organization apps.
    `secret_name`: of a generated secret in the secrets file.
    """

    client_id: str
    client_secret: str = field(repr=False)
    name: str
    level: AccountLevel
    user_id: int | None
    organization: str | None
    secret_name: str | None = None


@dataclass(frozen=True, slots=True)
class VerbaKey:
    """A key of the Verba API: one per application.

    `networks` may use it, all where there is none. `organization` (a prefix) is the one whose calls
    it reaches, None: all. `needs_login`: each request needs a token that a user has asked for.
    """

    name: str
    key: str = field(repr=False)
    needs_login: bool
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    organization: str | None = None


@dataclass(frozen=True, slots=True)
class VerbaUser:
    """Who may ask for a token of the Verba API; `organization` confines as that of a key does."""

    name: str
    password: str = field(repr=False)
    organization: str | None = None
