"""The values of a directory: organizations, users, extensions, apps, numbers.

Immutable; a reload makes new ones (bridge.directory.loader). Lookups go through the indexes of
bridge.directory.directory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Network, IPv6Network


class ExtensionType(Enum):
    """The types of extensions, with the names of the UnifiedAPI."""

    PHONE_TERMINAL = "Phone Terminal"
    QUEUE = "Queue"
    IVR = "IVR"
    CONFERENCE = "Conference"
    CALLBACK = "Callback"


class AccountLevel(Enum):
    """The account level at which an app is registered; decides whom it reaches
    (docs/reference/uapi.md §7)."""

    USER = "User"
    ORGANIZATION = "Organization"
    ADMINISTRATOR = "Administrator"


class RecordingMode(Enum):
    """Whether the calls of an extension are recorded (bridge/recordings/policy.py)."""

    NEVER = "never"
    ALWAYS = "always"
    ON_DEMAND = "on demand"


@dataclass(frozen=True, slots=True)
class ForwardTarget:
    """The target of a forward. `number`: extended, or public with an optional `+`."""

    number: str
    dial: str


@dataclass(frozen=True, slots=True)
class Forwards:
    """The targets to which the calls of a phone are forwarded. `no_answer_s`: how long it rings
    before `no_answer`.

    `unregistered`: while no phone answers to the extension's name. `voicemail`: in place of each of
    busy, no answer and unregistered that has no target, its mailbox takes the call.
    """

    always: ForwardTarget | None = None
    busy: ForwardTarget | None = None
    no_answer: ForwardTarget | None = None
    unregistered: ForwardTarget | None = None
    no_answer_s: int = 20
    voicemail: bool = False


class QueueStrategy(Enum):
    """Which agents of a queue ring for a caller, and in which order; the names of app_queue."""

    RING_ALL = "ringall"
    LEAST_RECENT = "leastrecent"
    FEWEST_CALLS = "fewestcalls"
    RANDOM = "random"
    ROUND_ROBIN = "rrmemory"
    LINEAR = "linear"


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue: its agents, and how they ring.

    `name`: of the queue on the PBX. `members`: the extended numbers of the agents; None where the
    PBX alone knows them. `ring_s`: how long one attempt rings. `wrap_up_s`: how long an agent has
    no call after one. `music`: the class of music on hold; empty: a ringing tone.
    `announce_position_s`: the caller hears its position so often. `announcement`: a sound file that
    it hears each `announcement_s`. 0 and empty: never.
    """

    name: str
    members: tuple[str, ...] | None = None
    strategy: QueueStrategy = QueueStrategy.RING_ALL
    ring_s: int = 20
    wrap_up_s: int = 0
    music: str = ""
    announce_position_s: int = 0
    announcement: str = ""
    announcement_s: int = 60


@dataclass(frozen=True, slots=True)
class Conference:
    """A conference of a Conference extension. `pin`: empty: nobody needs one."""

    number: str
    pin: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Extension:
    """`number` is the extended form (`0003*210`), the key of an extension everywhere.

    `dial` is the dial string (`PJSIP/0003*210`, `Local/0003*300@services/n`), `endpoint` its form
    in channel names (`PJSIP/0003*210`), empty for extensions that are dialplan and have no phone.
    A Callback extension has neither: it pays for calls between public numbers.
    `sip_secret` is set for the phones that the service provisions, and for no others.
    `secret_name`: its key among the generated secrets, None when the file gives the secret itself.
    `devices`: so many phones may be registered as it, and all of them ring.
    `several_edges`: its phone registers at one of several edges, and is rung by each of them.
    `webrtc`: browsers may be registered as it, beside its phones; only of a provisioned phone.
    `conferences`: of a Conference extension, those with a number.
    `queue` is set for each extension of that type.
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
    devices: int = 1
    webrtc: bool = False
    several_edges: bool = False
    forwards: Forwards | None = None
    conferences: tuple[Conference, ...] = ()
    queue: Queue | None = None

    @property
    def short(self) -> str:
        """The number inside its organization (`210` of `0003*210`)."""
        return self.number.partition("*")[2]

    @property
    def rings_several(self) -> bool:
        """Whether it has more than one address to ring, so that each is dialled by itself."""
        return self.devices > 1 or self.webrtc or self.several_edges

    @property
    def provisioned(self) -> bool:
        """Whether the PBX learns this phone from us."""
        return self.sip_secret is not None


@dataclass(frozen=True, slots=True)
class User:
    """A user; `organization` is the prefix of the user's organization.

    `password`: the hash of one (bridge.access.password_hash), or a generated one; None: the user
    cannot sign in. `secret_name`: of a generated one in the secrets file.
    """

    id: int
    name: str
    organization: str
    password: str | None = field(default=None, repr=False)
    secret_name: str | None = None


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
    """An OAuth client; or a user, as the holder of the tokens of its sessions.

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

    `networks` may use it; an empty list means all. `organization` (a prefix) is the one whose calls
    it reaches, None: all. `needs_login`: each request needs a token that a user has asked for.
    """

    name: str
    key: str = field(repr=False)
    needs_login: bool
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    organization: str | None = None


@dataclass(frozen=True, slots=True)
class VerbaUser:
    """A user that may request a token of the Verba API; `organization` limits the user as it limits
    a key."""

    name: str
    password: str = field(repr=False)
    organization: str | None = None
