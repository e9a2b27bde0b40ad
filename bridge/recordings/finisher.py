"""The background work on conversations: measuring ended ones, removing those marked for deletion.

Everything to do is found in the records, so that it survives any restart; a hint makes it prompt.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import structlog

from bridge.clock import now_ms
from bridge.faults import Fenced, StorageUnavailable
from bridge.keyed_locks import KeyedLocks
from bridge.recordings.conversation import Media, StoredConversation
from bridge.recordings.conversation_records import ConversationRecords
from bridge.recordings.file_removal import NotRemoved, Removal
from bridge.recordings.measuring import Measured, measure
from bridge.recordings.recording_pbx import AudioError, AudioFiles
from bridge.supervision.conditions import Condition
from bridge.supervision.task_set import TaskSet
from bridge.supervision.tasks import LivingTask, must_live

log = structlog.get_logger()

_AT_ONCE = 4
_CLOSE_POLL_MS = 300
# Asterisk makes the file at once, but a call that ends in that moment never has one.
_FILE_WITHIN_MS = 1_000
# Some phones send their first audio only after one or two seconds.
_AUDIO_WITHIN_MS = 3_000


class Finisher:
    """`retry_s`: how often the records are looked through; `settle_ms`: how long after its end a
    file, or the audio in it, may still appear; `close_limit_ms`: how long it may still be open
    before it is measured anyway; `failed` is told why a part has no audio: `missing` or `empty`."""

    def __init__(
        self,
        pbx: str,
        records: ConversationRecords,
        audio: AudioFiles,
        locks: KeyedLocks,
        *,
        retry_s: float,
        settle_ms: int,
        close_limit_ms: int,
        failed: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.removal = Removal(pbx, records, audio, settle_ms, self.later)
        self._pbx = pbx
        self._records = records
        self._audio = audio
        self._locks = locks
        self._retry_s = retry_s
        self._settle_ms = settle_ms
        self._close_limit_ms = close_limit_ms
        self._failed = failed
        self.waiting_for_removal = 0  # when the records were last looked through
        self.empty = Condition("recordings_empty_began", "recordings_empty_ended")
        self._not_read = Condition(
            "unfinished_conversations_not_read",
            "unfinished_conversations_read_again",
            level=logging.WARNING,
        )
        self._sizes: dict[str, int | None] = {}  # of files that do not tell whether they are closed
        self._waiting: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._loops: list[LivingTask] = []
        self._tasks = TaskSet("conversation_work")

    def start(self) -> None:
        """Begin the rounds, and the work on conversations that `soon` names."""
        self._loops = [
            must_live(self._rounds(), "conversation_rounds"),
            must_live(self._hints(), "conversation_hints"),
        ]

    async def stop(self) -> None:
        """Cancel all work, and return once it has ended. The next start takes it up again."""
        for loop in self._loops:
            await loop.stop()
        await self._tasks.stop()

    def soon(self, conversation_id: str) -> None:
        """There is something to do with this conversation."""
        self._waiting[conversation_id] = None
        self._wake.set()

    def later(self, conversation_id: str, delay_ms: int) -> None:
        """As `soon`, in `delay_ms` milliseconds."""
        asyncio.get_running_loop().call_later(delay_ms / 1000, self.soon, conversation_id)

    async def _rounds(self) -> None:
        while True:
            try:
                unfinished = await self._records.unfinished(self._pbx)
                self.waiting_for_removal = sum(
                    1 for x in unfinished if x.marks.deletion_ms is not None
                )
                for stored in unfinished:
                    self.soon(stored.conversation.id)
            except StorageUnavailable as why:
                self._not_read.begin(str(why))
            except Exception:
                log.exception("unfinished_conversations_failed")
            else:
                self._not_read.end()
            await asyncio.sleep(self._retry_s)

    async def _hints(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                conversation_id = next(iter(self._waiting))
                del self._waiting[conversation_id]
                await self._slots.acquire()
                self._tasks.begin(self._one(conversation_id))

    async def _one(self, conversation_id: str) -> None:
        try:
            await self._work(conversation_id)
        except (NotRemoved, AudioError, StorageUnavailable, Fenced) as why:
            log.info("conversation_cleanup_retry", conversation_id=conversation_id, why=str(why))
        except Exception:
            log.exception("conversation_cleanup_failed", conversation_id=conversation_id)
        finally:
            self._slots.release()

    async def _work(self, conversation_id: str) -> None:
        stored = await self._records.get(conversation_id)
        if stored is None:
            return
        if stored.marks.deletion_ms is None:
            await self._measure(stored)
            return
        async with self._locks.of(stored.conversation.call_id):
            fresh = await self._records.get(conversation_id)
            if fresh is not None:
                await self.removal.remove(fresh)

    async def _measure(self, stored: StoredConversation) -> None:
        conversation = stored.conversation
        if conversation.ended_ms is None:
            return
        for media in conversation.media:
            if media.bytes is not None:
                continue
            measured = await measure(media, self._audio, even_if_open=self._is_late(media))
            if not self._is_final(measured):
                self.later(conversation.id, _CLOSE_POLL_MS)
                return
            if not measured.found and _was_recorded_for(media, _FILE_WITHIN_MS):
                if await self._audio.is_empty():
                    raise AudioError("there is no recorded file at all; is the folder mounted?")
                log.error("recording_missing", call_id=conversation.call_id, file=media.name)
                self._failed("missing")
            self._note(conversation.call_id, measured)
            conversation = conversation.with_media(measured.media)
        async with self._locks.of(conversation.call_id):
            fresh = await self._records.get(conversation.id)
            if fresh is not None and fresh.marks.deletion_ms is None:
                # A message in a mailbox may have become a part of it meanwhile.
                whole = fresh.conversation
                for media in conversation.media:
                    whole = whole.with_media(media)
                await self._records.update(whole)

    def _note(self, call_id: str, measured: Measured) -> None:
        """A disk that is full leaves files without audio, and tells nobody but Asterisk's log."""
        media = measured.media
        if media.length_ms:
            self.empty.end()
            return
        # Without even its header, it was no silence of the phones.
        within_ms = _FILE_WITHIN_MS if measured.lacks_header else _AUDIO_WITHIN_MS
        if not _was_recorded_for(media, within_ms):
            return
        lasted_s = ((media.ended_ms or 0) - media.started_ms) / 1000
        why = f"no audio was stored in {lasted_s:.0f} s; is the disk of the recordings full?"
        log.error("recording_empty", call_id=call_id, file=media.name, why=why)
        self.empty.begin(why)
        self._failed("empty")

    def _is_late(self, media: Media) -> bool:
        return now_ms() - (media.ended_ms or 0) >= self._close_limit_ms

    def _is_final(self, measured: Measured) -> bool:
        media = measured.media
        age_ms = now_ms() - (media.ended_ms or 0)
        # The audio of a second or two is in the memory of Asterisk until it closes the file.
        settled = bool(media.length_ms) or age_ms >= self._settle_ms
        if age_ms >= self._close_limit_ms:
            final = True
        elif not measured.found:
            final = settled
        elif measured.closed is None:
            final = settled and self._sizes.get(media.name) == media.bytes
        else:
            final = settled and measured.closed
        if final:
            self._sizes.pop(media.name, None)
        else:
            self._sizes[media.name] = media.bytes
        return final


def _was_recorded_for(media: Media, at_least_ms: int) -> bool:
    lasted_ms = (media.ended_ms or 0) - media.started_ms
    return bool(media.mixmonitor_id) and lasted_ms > at_least_ms
