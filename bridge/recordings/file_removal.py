"""Removes a conversation that is marked for deletion: every file, then the record.

A file first, its record after it: whatever is interrupted, the record still names what is left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import structlog

from bridge.clock import now_ms
from bridge.recordings.conversation import Conversation, Media, StoredConversation
from bridge.recordings.conversation_records import ConversationRecords
from bridge.recordings.recording_pbx import AudioError, AudioFiles

log = structlog.get_logger()


class NotRemoved(Exception):
    """A file could not be removed; the record stays, and it is tried again. `str()` says why."""


class Removal:
    """`settle_ms`: the PBX may create a file so long after it was told to, even if it was told to
    stop in between. Only after this time a file that is gone stays gone. `again_later` is told the
    id of a conversation and in how many ms its removal can be completed.
    """

    def __init__(
        self,
        pbx: str,
        records: ConversationRecords,
        audio: AudioFiles,
        settle_ms: int,
        again_later: Callable[[str, int], None],
    ) -> None:
        self._pbx = pbx
        self._records = records
        self._audio = audio
        self._settle_ms = settle_ms
        self._again_later = again_later
        self._told: list[Callable[[Conversation], None]] = []
        self._removed_names: set[str] = set()  # of records that are still there

    def at_removed(self, told: Callable[[Conversation], None]) -> None:
        """Have `told` called with each removed conversation. It must not block."""
        self._told.append(told)

    async def remove(self, stored: StoredConversation) -> None:
        """Remove the files now, and the record once the call has ended.

        The record of a call that goes on stays, unseen, so that nothing more of it is recorded.
        Raises NotRemoved, StorageUnavailable. The caller holds the lock of the call.
        """
        conversation = stored.conversation
        if conversation.pbx != self._pbx:
            await self.failed(stored, f"its files are on {conversation.pbx}, not on {self._pbx}")
        left = await self._without_files(stored)
        # One that could not be stopped goes on, whatever has been removed.
        if stored.marks.failure is not None and conversation.running is None:
            await self._records.deletion_failed(conversation.id, None)
        if conversation.ended_ms is None:
            return
        early_ms = self._unsettled_for(conversation)
        if left != conversation:
            # Before the record goes: whoever removes it in another try knows that they are gone.
            await self._records.update(left)
        if early_ms > 0:
            self._again_later(conversation.id, early_ms)
            return
        removed = await self._records.remove(conversation.id, now_ms())
        self._removed_names.difference_update(x.name for x in conversation.media)
        if removed:
            log.info(
                "conversation_deleted",
                conversation_id=conversation.id,
                call_id=conversation.call_id,
                files=len(conversation.media),
            )
            for told in self._told:
                told(conversation)

    async def _without_files(self, stored: StoredConversation) -> Conversation:
        """Remove the files, and return the record without them. Raises NotRemoved."""
        left = stored.conversation
        for media in left.media:
            try:
                found = await self._removed(media)
            except AudioError as why:
                await self.failed(stored, f"{media.name}: {why}")
            if found:
                left = left.with_media(replace(media, bytes=0))
            elif media.mixmonitor_id and media.bytes is None:
                log.info("recording_file_absent", file=media.name)
        return left

    async def _removed(self, media: Media) -> bool:
        """Whether there was a file. Raises AudioError."""
        found = await self._audio.delete(media.name)
        known = found or not media.bytes or media.name in self._removed_names
        if not known and await self._audio.is_empty():
            raise AudioError("there is no recorded file at all; is the folder mounted?")
        self._removed_names.add(media.name)
        return found

    async def failed(self, stored: StoredConversation, why: str) -> None:
        """Keep why, so that the record is seen again. Raises NotRemoved, StorageUnavailable."""
        log.error("conversation_not_deleted", conversation_id=stored.conversation.id, why=why)
        await self._records.deletion_failed(stored.conversation.id, why)
        raise NotRemoved(why)

    def _unsettled_for(self, conversation: Conversation) -> int:
        last_ms = max((x.started_ms for x in conversation.media), default=0)
        return last_ms + self._settle_ms - now_ms()
