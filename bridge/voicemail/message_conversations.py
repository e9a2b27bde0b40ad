"""The conversation of a message: the record that the Verba API lists, fetches and deletes.

There is one conversation for each call. A message of a recorded call is a further part of it, so
that whoever deletes the call deletes the message as well.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from enum import Enum

import structlog

from bridge.calls.call_records import CallRecords
from bridge.calls.state.phone_call import Flow, PhoneCall, derived_call_id
from bridge.clock import now_ms
from bridge.directory.loader import CurrentDirectory
from bridge.keyed_locks import KeyedLocks
from bridge.recordings.conversation import (
    Conversation,
    ConversationParty,
    Media,
    StoredConversation,
)
from bridge.recordings.conversation_of_call import spellings_of
from bridge.recordings.conversation_records import ConversationRecords
from bridge.recordings.deletion import AlreadyGone, Deletion, DeletionForbidden
from bridge.recordings.deletion_request import DeletionRequest
from bridge.voicemail.message import Message

log = structlog.get_logger()

_OF_MESSAGES = uuid.UUID("6f1c1d5e-6a3c-4e0e-9d0b-0f6c5f0a7e11")
METADATA = "voicemail"
"""The field of the conversation's metadata that has the mailbox."""


class CallGoesOn(Exception):
    """The call of a message is still being recorded: its conversation is not complete yet."""


class Deleted(Enum):
    """The result of the wish to delete a message."""

    GONE = "gone"
    """Nothing of it is left."""
    UNKNOWN = "unknown"
    """It has no conversation."""
    KEPT = "kept"
    """Its conversation is protected, or under retention."""
    SHARED = "shared"
    """It is a part of a recorded call, and stays in that conversation."""


class MessageConversations:
    """`locks`: those of recording, by the id of the call."""

    def __init__(
        self,
        pbx: str,
        records: ConversationRecords,
        calls: CallRecords,
        deletion: Deletion,
        directory: CurrentDirectory,
        locks: KeyedLocks,
    ) -> None:
        self._pbx = pbx
        self._records = records
        self._calls = calls
        self._deletion = deletion
        self._directory = directory
        self._locks = locks

    def call_id(self, message: Message) -> str:
        """The id of the call of a message, if no live call has its channel."""
        linkedid = message.linkedid
        ours = len(linkedid) == 20 and all(x in "0123456789abcdef" for x in linkedid)
        return linkedid if ours else derived_call_id(self._pbx, linkedid)

    def conversation_id(self, message: Message) -> str:
        """The id of its conversation, if its call has no other: the same at every look."""
        return str(uuid.uuid5(_OF_MESSAGES, f"{self._pbx}/{message.id}"))

    async def find(self, message: Message) -> StoredConversation | None:
        """The conversation that has the message. Raises StorageUnavailable."""
        stored = await self._records.get(self.conversation_id(message))
        if stored is None:
            stored = await self._records.of_call(self.call_id(message))
        if stored is None or all(x.name != message.id for x in stored.conversation.media):
            return None
        return stored

    async def was_deleted(self, message: Message) -> bool:
        """Whether its conversation, or that of its call, was deleted. Raises StorageUnavailable."""
        return await self._records.was_deleted(
            self.conversation_id(message)
        ) or await self._records.was_deleted(self.call_id(message))

    async def add(self, message: Message, media: Media) -> str | None:
        """Store the message with the conversation of its call; returns the id of that.

        None if the call has been deleted: then the message must be, too. It may be repeated.
        Raises CallGoesOn, StorageUnavailable.
        """
        call_id = self.call_id(message)
        async with self._locks.of(call_id):
            stored = await self._records.of_call(call_id)
            if stored is None:
                if await self.was_deleted(message):
                    return None
                conversation = self._new(message, call_id, media, await self._calls.find(call_id))
                await self._records.create(conversation)
            elif stored.marks.deletion_ms is not None:
                return None
            elif stored.conversation.ended_ms is None:
                raise CallGoesOn
            else:
                conversation = _with(stored.conversation, media)
                if conversation != stored.conversation:
                    await self._records.update(conversation)
            await self._records.attach(conversation.id, {METADATA: message.mailbox})
        log.info("voicemail_message", mailbox=message.mailbox, conversation_id=conversation.id)
        return conversation.id

    async def delete(self, message: Message, by: str) -> Deleted:
        """Delete the conversation of a message; `by`: who wishes it, for the audit log.

        Raises NotRemoved, StorageUnavailable.
        """
        stored = await self.find(message)
        if stored is None:
            return Deleted.UNKNOWN
        if any(x.name != message.id for x in stored.conversation.media):
            return Deleted.SHARED
        try:
            await self._deletion.delete(stored, DeletionRequest(by, message.mailbox, "", now_ms()))
        except DeletionForbidden:
            return Deleted.KEPT
        except AlreadyGone:
            return Deleted.GONE
        return Deleted.GONE

    def _new(
        self, message: Message, call_id: str, media: Media, call: PhoneCall | None
    ) -> Conversation:
        directory = self._directory.directory
        owner = directory.extensions.get(message.mailbox)
        user = None if owner is None else directory.users.get(owner.user_id)
        caller = call.legs[0].number if call is not None and call.legs else message.caller_number
        known = directory.extensions.get(caller)
        name = known.caller_name if known is not None else message.caller_name
        numbers = spellings_of(caller, directory) | spellings_of(message.mailbox, directory)
        return Conversation(
            id=self.conversation_id(message),
            pbx=self._pbx,
            call_id=call_id,
            linkedid=message.linkedid,
            native_id=message.uniqueid,
            organization=message.mailbox.partition("*")[0],
            extension=message.mailbox,
            user_id=None if user is None else user.id,
            user_name="" if user is None else user.name,
            source=ConversationParty(caller, name),
            destination=ConversationParty(
                message.mailbox, owner.caller_name if owner is not None else ""
            ),
            direction=int(call.flow if call is not None else Flow.LOCAL),
            started_ms=message.began_ms,
            ended_ms=media.ended_ms,
            cause=call.final.cause if call is not None and call.final is not None else None,
            numbers=frozenset(x for x in numbers if x),
            media=(media,),
        )


def _with(conversation: Conversation, media: Media) -> Conversation:
    if any(x.name == media.name for x in conversation.media):
        return conversation
    part = max((x.part for x in conversation.media), default=0) + 1
    return conversation.with_media(replace(media, part=part))
