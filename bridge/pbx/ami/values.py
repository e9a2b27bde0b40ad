"""The only place that writes AMI values.

AMI has no escaping: CR or LF starts a new header or a new action. A comma in a `Variable` starts
another variable. A `Channel` that starts with `/` is a regular expression over all channels. So
every action is an `AmiAction`, and an `AmiAction` with a value that could do any of this cannot be
built: InvalidPbxValue is raised instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.calls.pbx import InvalidPbxValue
from bridge.directory.caller_ids import CallerId

MAX_LINE_BYTES = 1022
"""Asterisk reads lines of at most 1024 bytes with their CR LF (main/manager.c, get_input)."""
MAX_HEADERS = 128
MAX_CHANNEL_BYTES = 255
"""`Channel` and `CallerID` of Originate are copied into char[256]."""
MAX_ACCOUNT_BYTES = 79

_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*\Z")
_VARIABLE_NAME = re.compile(r"_{0,2}[A-Za-z][A-Za-z0-9_]*\Z")
# C0, DEL, C1 and the Unicode line ends: none belongs into a header, a caller id or a log line.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# The separators of Asterisk's argument parser: a comma splits, quotes and backslashes are eaten.
_VARIABLE_FORBIDDEN = re.compile(r'[,"\\]')
_HINT = "hint:"
_DIAL_STRING = re.compile(r"[A-Za-z][A-Za-z0-9]*/[A-Za-z0-9_.*+#@/;-]+\Z")
_UNIQUEID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.;-]{0,148}\Z")
_CHANNEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.*+#@/;:=-]*\Z")
_CONTEXT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,78}\Z")
_EXTEN = re.compile(r"[A-Za-z0-9*+#_-]{1,79}\Z")
_CALL_ID = re.compile(r"[0-9a-f]{20}\Z")
_NUMBER = re.compile(r"[0-9+*#]*\Z")
_RECORDING_FILE = re.compile(
    r"(?:/|\.\./)?[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*\Z"
)
_DTMF_DIGIT = re.compile(r"[0-9*#A-D]\Z")
_ROOM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.*+#@ -]{0,79}\Z")
_ROOM_CHANNEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.*+#@/;:=-]*\Z")
_MIXMONITOR_ID = re.compile(r"0x[0-9a-f]{1,16}\Z")
_ENDPOINT = re.compile(r"[A-Za-z0-9_.*+#-]+\Z")
_CONTACT_ID = re.compile(r"[A-Za-z0-9_.*+#-]+(?:;@|@@)[0-9a-f]+\Z")
_QUEUE = re.compile(r"[A-Za-z0-9_.*+-]{1,79}\Z")
_ACCOUNT = re.compile(r"[A-Za-z0-9_.*+#@-]*\Z")
_NOT_IN_A_VARIABLE = re.compile(r"[%,;=|$+#&^~`{}\[\]<>()!:?*@/]")
_NAME_FORBIDDEN = re.compile(r'["\\]')


@dataclass(frozen=True, slots=True)
class AmiAction:
    """One action, safe to write: building it checks every header.

    `each_item` is for actions that Asterisk answers with a list of events: it receives each of them
    as it comes. An exception of it becomes the outcome of the action. `allowed` is asked in the
    moment before the action is written: False refuses it.
    """

    name: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)  # a login's secret
    each_item: Callable[[dict[str, str]], object] | None = None
    item_event: str | tuple[str, ...] = ()
    """The name or names of these events, if not that of the action without its s."""
    action_id: str = ""
    allowed: Callable[[], bool] | None = None

    def __post_init__(self) -> None:
        lines = (("Action", self.name), ("ActionID", self.action_id), *self.headers)
        if len(lines) > MAX_HEADERS:
            raise InvalidPbxValue(f"{self.name}: more than {MAX_HEADERS} headers")
        for header, value in lines:
            if not _HEADER_NAME.match(header):
                raise InvalidPbxValue(f"{self.name}: {header!r} is not a header name")
            if _CONTROL.search(value):
                raise InvalidPbxValue(f"{header}: no control characters or line ends")
            line = f"{header}: {value}"
            if len(line if line.isascii() else _encoded(line, header)) > MAX_LINE_BYTES:
                raise InvalidPbxValue(f"{header}: longer than {MAX_LINE_BYTES} bytes in total")
            if header == "Channel" and value.startswith("/"):
                raise InvalidPbxValue("Channel: must not start with /")
            if header == "Variable" and self._begins_another(value):
                raise InvalidPbxValue("Variable: no comma, quote or backslash")

    def _begins_another(self, variable: str) -> bool:
        """Getvar reads one variable; a comma separates the arguments of a function there."""
        if self.name == "Getvar":
            variable = variable.replace(",", "")
        return _VARIABLE_FORBIDDEN.search(variable) is not None

    def wire(self, action_id: str) -> bytes:
        """As it is written. Raises InvalidPbxValue for an id that would be another header."""
        _refuse_control(action_id, "ActionID")
        lines = [f"Action: {self.name}", f"ActionID: {action_id}"]
        lines += [f"{header}: {value}" for header, value in self.headers]
        return "\r\n".join([*lines, "", ""]).encode("utf-8")


def call_id(value: str) -> str:
    """20 lowercase hex characters. Fixed length, because Asterisk takes prefixes for duplicates."""
    if not _CALL_ID.match(value):
        raise InvalidPbxValue("call_id: must be 20 lowercase hex characters")
    return value


def uniqueid(value: str) -> str:
    """A channel's Uniqueid: ours, or Asterisk's `[system-]epoch.serial`, of a Local with `;2`."""
    if not _UNIQUEID.match(value):
        raise InvalidPbxValue("uniqueid: only letters, digits and _.;- (at most 149)")
    return value


def dtmf_digit(value: str) -> str:
    """One digit of PlayDTMF. Raises InvalidPbxValue."""
    if not _DTMF_DIGIT.match(value):
        raise InvalidPbxValue("digit: must be one of 0-9, *, # and A-D")
    return value


def dtmf_duration_ms(value: int) -> int:
    """How long PlayDTMF sends a digit, in milliseconds. Raises InvalidPbxValue.

    The session of the action waits for so long, and is pinged meanwhile.
    """
    if not 1 <= value <= 1000:
        raise InvalidPbxValue("duration: must be 1 to 1000 ms")
    return value


def conference_room(value: str) -> str:
    """The name of a ConfBridge. Raises InvalidPbxValue."""
    if not _ROOM.match(value):
        raise InvalidPbxValue("room: must be the name of a conference")
    return value


def conference_channel(value: str) -> str:
    """The whole name of a channel in a ConfBridge; not `all`, which means each member.

    Raises InvalidPbxValue.
    """
    if not _ROOM_CHANNEL.match(value) or "/" not in value or len(value) > MAX_CHANNEL_BYTES:
        raise InvalidPbxValue("channel: must be the name of a channel")
    return value


def channel(value: str) -> str:
    """A channel's Uniqueid or name. Raises InvalidPbxValue."""
    if not _CHANNEL.match(value) or len(value) > MAX_CHANNEL_BYTES:
        raise InvalidPbxValue("channel: must be the Uniqueid or name of a channel")
    return value


def context(value: str) -> str:
    """A context of the dialplan. Raises InvalidPbxValue."""
    if not _CONTEXT.match(value):
        raise InvalidPbxValue("context: only letters, digits and _- (at most 79)")
    return value


def exten(value: str) -> str:
    """An extension of the dialplan. Raises InvalidPbxValue."""
    if not _EXTEN.match(value):
        raise InvalidPbxValue("exten: only letters, digits and *+#_- (1 to 79)")
    return value


def recording_file(value: str) -> str:
    """A path for MixMonitor: absolute, or relative to its folder, of letters, digits and _.- only.

    A comma would begin MixMonitor's options, and then the command that it runs.
    """
    if not _RECORDING_FILE.match(value) or len(value) > MAX_CHANNEL_BYTES:
        raise InvalidPbxValue("recording file: only a path of A-Za-z0-9_.- (at most 255)")
    return value


def mixmonitor_id(value: str) -> str:
    """The id in the answer of MixMonitor: `0x7f0234003430`."""
    if not _MIXMONITOR_ID.match(value):
        raise InvalidPbxValue("mixmonitor_id: must be 0x and hex digits")
    return value


def dial_string(value: str, field: str) -> str:
    """One `technology/resource`, which cannot become two: no `&`, no comma, no spaces."""
    if not _DIAL_STRING.match(value):
        raise InvalidPbxValue(f"{field}: must be technology/resource of A-Za-z0-9_.*+#@/;-")
    if len(value) > MAX_CHANNEL_BYTES:
        raise InvalidPbxValue(f"{field}: longer than {MAX_CHANNEL_BYTES} bytes")
    return value


def queue_state(value: str, field: str) -> str:
    """The state of an agent: `technology/resource`, or a hint as `hint:exten@context`."""
    if not value.startswith(_HINT):
        return dial_string(value, field)
    number, _, within = value.removeprefix(_HINT).partition("@")
    return f"{_HINT}{exten(number)}@{context(within)}"


def joined_dial_strings(values: tuple[str, ...], field: str) -> str:
    """The argument of a Dial that rings all of them."""
    if not values:
        raise InvalidPbxValue(f"{field}: empty")
    return "&".join(dial_string(value, field) for value in values)


def caller_id(value: CallerId, field: str) -> str:
    """`"Name" <number>` in UTF-8, without the name if it is empty.

    Raises InvalidPbxValue, which names `field`.
    """
    name = display_name(value.name, field)
    number = caller_number(value.number, field)
    text = f'"{name}" <{number}>' if name else f"<{number}>"
    if len(_encoded(text, field)) > MAX_CHANNEL_BYTES:
        raise InvalidPbxValue(f"{field}: longer than {MAX_CHANNEL_BYTES} bytes")
    return text


def display_name(value: str, field: str) -> str:
    """A name for a phone's display; quotes and backslashes would end or bend the SIP header."""
    _refuse_control(value, field)
    if _NAME_FORBIDDEN.search(value):
        raise InvalidPbxValue(f"{field}: no quotes or backslashes in a name")
    _encoded(value, field)
    return value


def escaped_name(value: str, field: str) -> str:
    """A display name for a channel variable; the dialplan reads it with URIDECODE.

    Only characters with a meaning for AMI or a dialplan are escaped. So a dialplan of an older
    version shows most names unchanged.
    """
    name = display_name(value, field)
    return _NOT_IN_A_VARIABLE.sub(lambda found: f"%{ord(found[0]):02X}", name)


def caller_number(value: str, field: str) -> str:
    """The number unchanged.

    Raises InvalidPbxValue, which names `field`, for a character that no number has.
    """
    if not _NUMBER.match(value):
        raise InvalidPbxValue(f"{field}: only digits, +, * and # in a number")
    return value


def account(value: str) -> str:
    """The account code unchanged.

    Raises InvalidPbxValue for another character, or for more than 79 bytes.
    """
    if not _ACCOUNT.match(value) or len(value) > MAX_ACCOUNT_BYTES:
        raise InvalidPbxValue("account: only letters, digits and _.*+#@- (at most 79)")
    return value


def endpoint_name(value: str) -> str:
    """The name of a PJSIP endpoint, as the argument of a dialplan function: it ends no bracket."""
    if not _ENDPOINT.match(value) or len(value) > MAX_CHANNEL_BYTES:
        raise InvalidPbxValue("endpoint: only letters, digits and _.*+#- (at most 255)")
    return value


def contact_id(value: str) -> str:
    """The id of a contact, as PJSIP_AOR lists it: `0003*210;@` or `trunk@@`, and hex digits."""
    if not _CONTACT_ID.match(value) or len(value) > MAX_CHANNEL_BYTES:
        raise InvalidPbxValue("contact: must be the id of a contact (at most 255)")
    return value


def queue_name(value: str) -> str:
    """The name of a queue unchanged. Raises InvalidPbxValue for another character."""
    if not _QUEUE.match(value):
        raise InvalidPbxValue("queue: only letters, digits and _.*+- (at most 79)")
    return value


def seconds(value: int, field: str, *, at_most: int = 7 * 24 * 3600) -> int:
    """A whole number of seconds from 1 on."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= at_most:
        raise InvalidPbxValue(f"{field}: must be 1 to {at_most} seconds")
    return value


def variable(name: str, value: str) -> tuple[str, str]:
    """One `Variable` header, which sets exactly one channel variable."""
    if not _VARIABLE_NAME.match(name):
        raise InvalidPbxValue(f"{name!r} is not a variable name")
    _refuse_control(value, name)
    if _VARIABLE_FORBIDDEN.search(value):
        raise InvalidPbxValue(f"{name}: no comma, quote or backslash")
    return ("Variable", f"{name}={value}")


def channel_variable(name: str, value: str) -> tuple[str, str]:
    """Name and value for Setvar, which takes both in headers of their own.

    The name must not be a function: that could run a command of the PBX. Raises InvalidPbxValue.
    """
    name, _, value = variable(name, value)[1].partition("=")
    return name, value


def _refuse_control(value: str, field: str) -> None:
    if _CONTROL.search(value):
        raise InvalidPbxValue(f"{field}: no control characters or line ends")


def _encoded(value: str, field: str) -> bytes:
    try:
        return value.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidPbxValue(f"{field}: not valid Unicode text") from None
