"""The protocol between voicemail and the PBX that keeps the mailboxes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from bridge.voicemail.message import Message, MessageState


class MailboxUnavailable(Exception):
    """The PBX does not tell of its mailboxes, or does not change them. `str()` says why."""


class MailboxPbx(Protocol):
    """Every method raises MailboxUnavailable."""

    async def mailboxes(self) -> Collection[str]:
        """The mailboxes that have messages, in whatever state."""

    async def messages(self, mailbox: str) -> Collection[tuple[MessageState, Message]]:
        """The messages of the mailbox with their states, in the order of the states."""

    async def recover(self, mailbox: str, message_id: str) -> None:
        """A message that is no longer being recorded becomes a new one, which the lamp tells."""

    async def forget(self, mailbox: str, state: MessageState, message_id: str) -> None:
        """The mailbox has no such message in that state any more. Its file stays."""

    async def set_lamp(self, mailbox: str) -> None:
        """Tell the phones of the extension how many messages there are."""
