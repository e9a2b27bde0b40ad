"""One message of a mailbox, as the dialplan keeps it (asterisk-conf/pbx/extensions-voicemail.conf).

All of it comes from the PBX, and some of it from callers. A value of another form is ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from urllib.parse import unquote

_MAILBOX = re.compile(r"[0-9]{1,10}\*[0-9]{1,15}\Z")
_ID = re.compile(r"voicemail-[0-9]{1,12}-[a-z0-9]{1,21}\Z")
_PARTS = 5


class MessageState(Enum):
    """The states of a message, by their words on the PBX.

    If a crash leaves a message in two states, the later one in this order counts.
    """

    RECORDING = "recording"
    NEW = "new"
    HEARD = "heard"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Message:
    """`id` is also the name of its file. `mailbox` is the extended number of an extension.

    `linkedid` and `uniqueid` are those of the caller's channel.
    """

    id: str
    mailbox: str
    began_ms: int
    linkedid: str
    uniqueid: str
    caller_number: str
    caller_name: str


def is_mailbox(name: str) -> bool:
    """Whether this is the name of a mailbox: the extended number of an extension."""
    return _MAILBOX.match(name) is not None


def is_message_id(name: str) -> bool:
    """Whether this is the id of a message."""
    return _ID.match(name) is not None


def parse_message(mailbox: str, message_id: str, stored: str) -> Message | None:
    """The message that the PBX keeps with this value; None if it is not one."""
    parts = stored.split("~", _PARTS - 1)
    if len(parts) != _PARTS or not parts[0].isdigit() or not parts[1] or not parts[2]:
        return None
    return Message(
        id=message_id,
        mailbox=mailbox,
        began_ms=int(parts[0]) * 1000,
        linkedid=parts[1],
        uniqueid=parts[2],
        caller_number=parts[3],
        caller_name=unquote(parts[4]),
    )
