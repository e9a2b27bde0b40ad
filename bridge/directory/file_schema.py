"""The directory file, entry by entry. How they must fit together: bridge.directory.file_checks."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, model_validator

from bridge.directory.caller_ids import CallerId, parse_caller_id
from bridge.directory.directory import DEFAULT_SERVICES_CONTEXT
from bridge.directory.file_values import (
    Account,
    CallerIdText,
    ClientId,
    ClientSecret,
    ConferenceNumber,
    ConferencePin,
    Context,
    CountryCode,
    Dial,
    DialPrefix,
    DialTemplate,
    Endpoint,
    ExtendedNumber,
    ForwardNumber,
    Id,
    MusicClass,
    Name,
    NumberPrefix,
    Prefix,
    PublicNumber,
    QueueName,
    SipSecret,
    SoundFile,
    UserPassword,
    VerbaKeyText,
    VerbaName,
)
from bridge.directory.model import ExtensionType, QueueStrategy, RecordingMode

MAX_DEVICES = 10  # of one extension: a dial string names them all
MAX_RULES_CHARS = 3600
MAX_PUBLIC_DIGITS = 31  # with a '+' the longest number that requests may carry


class _Strict(BaseModel):
    # hide_input_in_errors: what was written may be a secret.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class UserEntry(_Strict):
    """A user of an organization. `password`: with it the user signs in to the console."""

    id: Id
    name: Name
    password: UserPassword | None = Field(default=None, repr=False)


class ForwardEntry(_Strict):
    """The forwards of one extension; `no_answer_s` is the ring time in seconds before
    `no_answer`."""

    always: ForwardNumber | None = None
    busy: ForwardNumber | None = None
    no_answer: ForwardNumber | None = None
    unregistered: ForwardNumber | None = None
    no_answer_s: Annotated[int, Field(ge=1, le=300)] = 20


class ConferenceEntry(_Strict):
    """A conference with a number, and the PIN that its number needs."""

    number: ConferenceNumber
    pin: ConferencePin | None = Field(default=None, repr=False)


class QueueEntry(_Strict):
    """A queue: agents, strategy, times in seconds, and the sounds that the caller hears."""

    name: QueueName | None = None
    members: tuple[ForwardNumber, ...] | None = None
    strategy: QueueStrategy = QueueStrategy.RING_ALL
    ring_s: Annotated[int, Field(ge=1, le=300)] = 20
    wrap_up_s: Annotated[int, Field(ge=0, le=3600)] = 0
    music: MusicClass | None = None
    announce_position_s: Annotated[int, Field(ge=0, le=3600)] = 0
    announcement: SoundFile | None = None
    announcement_s: Annotated[int, Field(ge=1, le=3600)] = 60


class ExtensionEntry(_Strict):
    """An extension: a phone, queue, IVR or conference."""

    number: ExtendedNumber
    type: ExtensionType
    user: Id
    caller_id: CallerIdText | None = None
    may_set_caller_id: bool = False
    may_call_public: bool = False
    public_number: PublicNumber | None = None
    recording: RecordingMode = RecordingMode.NEVER
    sip_secret: SipSecret | None = Field(default=None, repr=False)
    endpoint: Endpoint | None = None
    devices: Annotated[int, Field(ge=1, le=MAX_DEVICES)] = 1
    webrtc: bool = False
    dial: Dial | None = None
    forward: ForwardEntry | None = None
    voicemail: bool = False
    conferences: Annotated[tuple[ConferenceEntry, ...], Field(max_length=1000)] = ()
    queue: QueueEntry | None = None

    @property
    def parsed_caller_id(self) -> CallerId:
        """Name and number that the extension shows: its `caller_id`, or else its own number without
        a name."""
        if self.caller_id is None:
            return CallerId("", self.number)
        return parse_caller_id(self.caller_id)


class OrganizationEntry(_Strict):
    """An organization with its users and extensions."""

    id: Id
    prefix: Prefix
    name: Name
    recording_retention_days: Annotated[int, Field(ge=0, le=36_500)] | None = None
    users: tuple[UserEntry, ...] = ()
    extensions: tuple[ExtensionEntry, ...] = ()


class AppEntry(_Strict):
    """An app with its OAuth credentials."""

    client_id: ClientId
    name: Name
    account: Account
    client_secret: ClientSecret | None = Field(default=None, repr=False)


class VerbaKeyEntry(_Strict):
    """A key of the Verba API."""

    name: VerbaName
    key: VerbaKeyText | None = Field(default=None, repr=False)
    needs_login: bool = False
    networks: tuple[IPvAnyNetwork, ...] = ()
    organization: Prefix | None = None


class VerbaUserEntry(_Strict):
    """A user of the Verba API."""

    name: VerbaName
    password: ClientSecret | None = Field(default=None, repr=False)
    organization: Prefix | None = None


class OutboundRouteEntry(_Strict):
    """The dial string of calls to public numbers."""

    dial: DialTemplate


class PublicNumbersEntry(_Strict):
    """The rules for public numbers."""

    min_digits: Annotated[int, Field(ge=1, le=MAX_PUBLIC_DIGITS)] = 7
    max_digits: Annotated[int, Field(ge=1, le=MAX_PUBLIC_DIGITS)] = 15
    allow_plus: bool = True
    strip_prefix: NumberPrefix | None = None
    allowed_prefixes: tuple[NumberPrefix, ...] = ()
    blocked_prefixes: tuple[NumberPrefix, ...] = ()
    international_prefix: DialPrefix = "00"
    country_code: CountryCode | None = None
    national_prefix: DialPrefix | None = None

    @model_validator(mode="after")
    def _check_range(self) -> PublicNumbersEntry:
        if self.min_digits > self.max_digits:
            raise ValueError("min_digits must not be greater than max_digits")
        if self.national_prefix is not None and self.country_code is None:
            raise ValueError("national_prefix means nothing without country_code")
        # Each may become four beginnings; a variable of Asterisk's dialplan holds 4096 bytes.
        written = (*self.allowed_prefixes, *self.blocked_prefixes)
        if sum(len(x) + 8 for x in written) * 4 > MAX_RULES_CHARS:
            raise ValueError("has too many prefixes for the dialplan of a PBX")
        return self


class DirectoryFile(_Strict):
    """The whole directory file."""

    organizations: tuple[OrganizationEntry, ...]
    apps: tuple[AppEntry, ...] = ()
    outbound_route: OutboundRouteEntry | None = None
    public_numbers: PublicNumbersEntry = PublicNumbersEntry()
    verba_keys: tuple[VerbaKeyEntry, ...] = ()
    verba_users: tuple[VerbaUserEntry, ...] = ()
    services_context: Context = DEFAULT_SERVICES_CONTEXT
