"""Mailboxes in Asterisk's own database (asterisk-conf/pbx/extensions-voicemail.conf), over AMI.

Implements bridge.voicemail.mailbox_pbx.MailboxPbx. Asterisk lets no client write there (function
DB, `live_dangerously`), only delete. The dialplan writes instead: a call between Local channels has
it do so, and set the lamp.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from bridge.calls.pbx import InvalidPbxValue, PbxOutcomeUnknown, PbxRefused, PbxUnavailable
from bridge.pbx.ami.lamp_call import lamp_action
from bridge.pbx.ami.sent_action import succeeded, why_refused
from bridge.pbx.ami.values import AmiAction
from bridge.voicemail.mailbox_pbx import MailboxUnavailable
from bridge.voicemail.message import (
    Message,
    MessageState,
    is_mailbox,
    is_message_id,
    parse_message,
)

_FAMILY = "uapi-voicemail"
_STATES = {x.value: x for x in MessageState}


class Sender(Protocol):
    """The part of AmiLink that is needed here."""

    async def send(self, action: AmiAction) -> Mapping[str, str]:
        """The answer to the action. Raises PbxUnavailable, PbxOutcomeUnknown."""


class AsteriskMailboxes:
    """`sender` has the rights of the session for calls: `reporting`, `call` and `originate`."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def mailboxes(self) -> set[str]:
        return {x.mailbox for _, x in await self._messages("")}

    async def messages(self, mailbox: str) -> list[tuple[MessageState, Message]]:
        number = _checked(mailbox)
        return [
            x for state in MessageState for x in await self._messages(f"{state.value}/{number}")
        ]

    async def recover(self, mailbox: str, message_id: str) -> None:
        await self._send(lamp_action(_checked(mailbox), _checked_id(message_id)))

    async def forget(self, mailbox: str, state: MessageState, message_id: str) -> None:
        key = f"{_FAMILY}/{state.value}/{_checked(mailbox)}/{_checked_id(message_id)}"
        await self._send(AmiAction("Setvar", (("Variable", f"DB_DELETE({key})"), ("Value", "1"))))

    async def set_lamp(self, mailbox: str) -> None:
        await self._send(lamp_action(_checked(mailbox)))

    async def _messages(self, below: str) -> list[tuple[MessageState, Message]]:
        found: list[tuple[MessageState, Message]] = []

        def take(item: Mapping[str, str]) -> None:
            one = _message(item.get("Key", ""), item.get("Val", ""))
            if one is not None:
                found.append(one)

        where = (("Family", _FAMILY), *((("Key", below),) if below else ()))
        await self._send(AmiAction("DBGetTree", where, take, "DBGetTreeResponse"))
        return found

    async def _send(self, action: AmiAction) -> None:
        with _as_unavailable():
            answer = await self._sender.send(action)
            if not succeeded(dict(answer)):
                raise PbxRefused(f"{action.name}: {why_refused(dict(answer))}")


def _message(key: str, value: str) -> tuple[MessageState, Message] | None:
    """Of `/uapi-voicemail/new/0003*211/voicemail-1767225600-17672255904`."""
    parts = key.strip("/").split("/")
    if len(parts) != 4 or parts[1] not in _STATES:
        return None
    _, state, mailbox, message_id = parts
    if not is_mailbox(mailbox) or not is_message_id(message_id):
        return None
    message = parse_message(mailbox, message_id, value)
    return None if message is None else (_STATES[state], message)


def _checked(mailbox: str) -> str:
    if not is_mailbox(mailbox):
        raise MailboxUnavailable("mailbox: not an extended number")
    return mailbox


def _checked_id(message_id: str) -> str:
    if not is_message_id(message_id):
        raise MailboxUnavailable("message: not the id of one")
    return message_id


@contextmanager
def _as_unavailable() -> Iterator[None]:
    try:
        yield
    except (PbxUnavailable, PbxRefused, PbxOutcomeUnknown, InvalidPbxValue) as why:
        raise MailboxUnavailable(str(why)) from why
