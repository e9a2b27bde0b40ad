"""The directory file, value by value. How they must fit together: bridge.directory.file_checks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    model_validator,
)

from bridge.directory.caller_ids import CallerId, parse_caller_id
from bridge.directory.directory import DEFAULT_SERVICES_CONTEXT
from bridge.directory.errors import CallerIdInvalid
from bridge.directory.model import ExtensionType, QueueStrategy, RecordingMode
from bridge.directory.number_rules import NUMBER_PLACEHOLDER
from bridge.directory.number_spelling import bare_number

MAX_DEVICES = 10  # of one extension: a dial string names them all
MAX_RULES_CHARS = 3600
MAX_PUBLIC_DIGITS = 31  # with a '+' the longest number that requests may carry


def _matching(pattern: str, rule: str) -> Callable[[object], str]:
    compiled = re.compile(pattern)

    def check(value: object) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise ValueError(rule)
        return value

    return check


def _check_caller_id(value: str) -> str:
    try:
        parse_caller_id(value)
    except CallerIdInvalid as why:
        raise ValueError(why.reason) from None
    return value


def _check_dial_template(value: str) -> str:
    if value.count(NUMBER_PLACEHOLDER) != 1:
        raise ValueError(f"must contain {NUMBER_PLACEHOLDER} once, as in PJSIP/{{number}}@trunk")
    check_dial(value.replace(NUMBER_PLACEHOLDER, "0"))
    return value


check_dial = _matching(
    r"[A-Za-z0-9]{1,20}/[A-Za-z0-9_.*+#@/;-]{1,100}",
    "must be a dial string as in Local/0003*300@services/n; only letters, digits and "
    "_ . * + # @ / ; - may follow the first '/'",
)

# One spelling per id, so that file_checks may compare ids as text.
Id = Annotated[
    int,
    BeforeValidator(_matching(r"[1-9][0-9]{0,14}", "must be a whole number from 1 on, as in 12")),
]
Name = Annotated[
    str,
    AfterValidator(lambda value: value.strip()),
    AfterValidator(_matching(r"[^\x00-\x1f\x7f]{1,100}", "must be 1 to 100 characters of text")),
]
Prefix = Annotated[
    str, AfterValidator(_matching(r"[0-9]{1,10}", "must be 1 to 10 digits, as in 0003"))
]
ExtendedNumber = Annotated[
    str,
    AfterValidator(
        _matching(r"[0-9]{1,10}\*[0-9]{1,15}", "must be an extended number, as in 0003*210")
    ),
]
PublicNumber = Annotated[
    str,
    AfterValidator(bare_number),
    AfterValidator(_matching(r"\+?[0-9]{1,31}", "must be digits with an optional '+' in front")),
]
ForwardNumber = Annotated[
    str,
    AfterValidator(
        _matching(
            r"\+?[0-9]{1,31}|[0-9]{1,10}\*[0-9]{1,15}",
            "must be an extension as in 211 or 0003*211, or a public number",
        )
    ),
]
CallerIdText = Annotated[str, AfterValidator(_check_caller_id)]
NumberPrefix = Annotated[
    str,
    AfterValidator(bare_number),
    AfterValidator(
        _matching(r"\+[0-9]{0,15}|[0-9]{1,15}", "must be digits with an optional '+' in front")
    ),
]
DialPrefix = Annotated[
    str, AfterValidator(_matching(r"[0-9]{1,6}", "must be 1 to 6 digits, as in 00"))
]
CountryCode = Annotated[
    str,
    AfterValidator(_matching(r"[1-9][0-9]{0,3}", "must be a country's code without +, as in 49")),
]
Dial = Annotated[str, AfterValidator(check_dial)]
DialTemplate = Annotated[str, AfterValidator(_check_dial_template)]
Endpoint = Annotated[
    str,
    AfterValidator(
        _matching(r"PJSIP/[A-Za-z0-9_.*+-]{1,79}", "must name a PJSIP endpoint, as in PJSIP/alice")
    ),
]
SipSecret = Annotated[
    str,
    AfterValidator(
        _matching(
            r"""[^\x00-\x20\x7f-\U0010ffff"'\\;,]{8,80}""",
            "must be 8 to 80 ASCII characters without spaces, quotes, backslash, ';' and ','",
        )
    ),
]
ClientId = Annotated[
    str,
    AfterValidator(
        _matching(r"[A-Za-z0-9._~@-]{1,128}", "must be 1 to 128 letters, digits and . _ ~ @ -")
    ),
]
ClientSecret = Annotated[
    str,
    AfterValidator(_matching(r"[!-~]{8,256}", "must be 8 to 256 ASCII characters without spaces")),
]
Account = Annotated[
    str,
    AfterValidator(
        _matching(
            r"administrator|organization [0-9]{1,10}|user [1-9][0-9]{0,14}",
            "must be 'administrator', 'organization <prefix>' or 'user <id>'",
        )
    ),
]
VerbaKeyText = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}",
            "must be a GUID in lower case, as in 74c8eea0-50c6-40b2-9f3e-252ed501c3c8",
        )
    ),
]
VerbaName = Annotated[
    str,
    AfterValidator(
        _matching(r"[A-Za-z0-9._~@ -]{3,128}", "must be 3 to 128 letters, digits and . _ ~ @ -")
    ),
]
ConferenceNumber = Annotated[
    str, AfterValidator(_matching(r"[0-9]{1,15}", "must be 1 to 15 digits, as in 1234"))
]
ConferencePin = Annotated[str, AfterValidator(_matching(r"[0-9]{4,16}", "must be 4 to 16 digits"))]
Context = Annotated[
    str,
    AfterValidator(_matching(r"[A-Za-z0-9_-]{1,79}", "must be letters, digits, '_' and '-'")),
]

QueueName = Annotated[
    str,
    AfterValidator(
        _matching(r"[A-Za-z0-9_.*+-]{1,79}", "must be letters, digits and _ . * + - (at most 79)")
    ),
]
MusicClass = Annotated[
    str,
    AfterValidator(_matching(r"[A-Za-z0-9_-]{1,40}", "must be letters, digits, '_' and '-'")),
]
SoundFile = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[A-Za-z0-9_-]{1,40}(/[A-Za-z0-9_-]{1,40}){0,3}",
            "must be a sound file of the PBX without its ending, as in custom/please-wait",
        )
    ),
]


class _Strict(BaseModel):
    # hide_input_in_errors: what was written may be a secret.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class UserEntry(_Strict):
    """A user of an organization."""

    id: Id
    name: Name


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
