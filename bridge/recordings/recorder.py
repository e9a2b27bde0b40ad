"""Records the calls that are to be recorded, from the moment both sides hear each other.

Follows the changes of calls one call at a time; what cannot be done now (no link, no database) is
tried again in the next round and whenever the link has come up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from bridge.calls.call_records import CallRecords
from bridge.calls.pbx import PbxOutcomeUnknown, PbxRefused, PbxUnavailable
from bridge.calls.phone_call import PhoneCall
from bridge.calls.switchboard import Switchboard, now_ms
from bridge.calls.tracker import Change
from bridge.directory.loader import CurrentDirectory
from bridge.recordings.call_locks import CallLocks
from bridge.recordings.conversation import Conversation, Mute
from bridge.recordings.conversation_records import ConversationRecords
from bridge.recordings.description import described, new_conversation
from bridge.recordings.policy import is_recorded
from bridge.recordings.recording_pbx import AudioError, AudioFiles, RecordingPbx
from bridge.recordings.tape import Tape
from bridge.storage.faults import StorageUnavailable

log = structlog.get_logger()


class Recorder:
    """`to_finish` is told the id of each conversation that has ended or is to be deleted."""

    def __init__(
        self,
        switchboard: Switchboard,
        pbx: RecordingPbx,
        calls: CallRecords,
        records: ConversationRecords,
        audio: AudioFiles,
        directory: CurrentDirectory,
        locks: CallLocks,
        to_finish: Callable[[str], None],
        *,
        stereo: bool,
        switched_on: bool = True,
    ) -> None:
        self._switchboard = switchboard
        self._pbx = pbx
        self._calls = calls
        self._records = records
        self._audio = audio
        self._directory = directory
        self._locks = locks
        self._to_finish = to_finish
        self._stereo = stereo
        self._switched_on = switched_on
        self._tapes: dict[str, Tape] = {}
        self._news: dict[str, PhoneCall] = {}
        self._unsettled: set[str] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Take up what was being recorded when the service last ran, and follow every call."""
        for stored in await self._records.ongoing(self._switchboard.pbx.name):
            marked = stored.marks.deletion_ms is not None
            tape = self._tape(stored.conversation, marked=marked)
            tape.was_stored()
            self._tapes[stored.conversation.call_id] = tape
        self._switchboard.observe(self.changed)
        self._switchboard.at_link_up(self.link_up)

    async def stop(self) -> None:
        """End what is under way here; recordings on the PBX go on, and are taken up again."""
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def changed(self, change: Change) -> None:
        """Observer of the switchboard."""
        call = change.after
        if call.id in self._tapes or call.id in self._tasks or self._is_to_be_recorded(call):
            self._soon(call)

    async def link_up(self) -> None:
        """Bring everything in line with the calls that live now."""
        self._unsettled.update(self._tapes)
        for call in self._switchboard.calls.live:
            if call.id not in self._tapes and self._is_to_be_recorded(call):
                self._soon(call)
        await self.retry()

    async def retry(self) -> None:
        """Try again what failed for want of the link or the database."""
        for call_id in list(self._unsettled):
            await self._again(call_id)

    # For those who hold the lock of the call.

    async def stop_for_deletion(self, call: PhoneCall | None, call_id: str) -> None:
        """Nothing more of the call is recorded, and what was running is closed.

        Raises PbxUnavailable, PbxRefused, PbxOutcomeUnknown, StorageUnavailable.
        """
        tape = self._tapes.get(call_id)
        if tape is None:
            return
        tape.marked = True
        if call is None:
            return
        try:
            await tape.follow(call, wanted=False)
        except BaseException:
            self._unsettled.add(call_id)
            raise

    async def open(self, call: PhoneCall) -> Tape:
        """A record for a call that is not recorded yet. Raises StorageUnavailable."""
        conversation = new_conversation(call, self._directory.directory, call.linkedid, now_ms())
        tape = self._tape(conversation)
        await tape.save()
        self._tapes[call.id] = tape
        return tape

    async def mute(self, call: PhoneCall, mute: Mute) -> bool:
        """False where the call is not being recorded. Raises as `stop_for_deletion`."""
        tape = self._tapes.get(call.id)
        if tape is None or tape.marked:
            return False
        try:
            await tape.mute(call, mute)
        except BaseException:
            self._unsettled.add(call.id)
            raise
        return True

    # Inside.

    def _is_to_be_recorded(self, call: PhoneCall) -> bool:
        if not self._switched_on or call.answered_ms is None or call.final is not None:
            return False
        return is_recorded(call, self._directory.directory)

    def _soon(self, call: PhoneCall) -> None:
        self._news[call.id] = call
        if call.id not in self._tasks:
            self._tasks[call.id] = asyncio.create_task(self._follow(call.id))

    async def _again(self, call_id: str) -> None:
        call = self._switchboard.calls.live.get(call_id)
        if call is None:
            call = await self._calls.find(call_id)
            if call is not None and call.final is None:
                return  # it has ended, and the disk lags behind: that must not undo the news of it
        self._unsettled.discard(call_id)
        if call is not None:
            self._soon(call)
        elif (tape := self._tapes.get(call_id)) is not None:
            async with self._locks.of(call_id):
                await self._finish(tape, now_ms(), None)

    async def _follow(self, call_id: str) -> None:
        """The newest state of the call until there is none newer."""
        try:
            while (call := self._news.pop(call_id, None)) is not None:
                async with self._locks.of(call_id):
                    await self._settle(call)
        except (
            PbxUnavailable,
            PbxOutcomeUnknown,
            PbxRefused,
            AudioError,
            StorageUnavailable,
        ) as why:
            log.warning("recording not brought in line", call_id=call_id, why=str(why))
            self._unsettled.add(call_id)
        except Exception:
            log.exception("recording failed", call_id=call_id)
            self._unsettled.add(call_id)
        finally:
            del self._tasks[call_id]
            if call_id in self._news:
                self._soon(self._news[call_id])

    async def _settle(self, call: PhoneCall) -> None:
        tape = self._tapes.get(call.id)
        if call.final is not None:
            if tape is not None:
                if self._outlives(call, tape):
                    await tape.stop()
                await self._finish(tape, call.final.at_ms, call.final.cause)
            return
        directory = self._directory.directory
        wanted = self._is_to_be_recorded(call)
        if tape is None:
            if not wanted or not call.channels:
                return
            tape = self._tape(new_conversation(call, directory, call.linkedid, now_ms()))
            self._tapes[call.id] = tape
        else:
            tape.conversation = described(tape.conversation, call, directory)
            await tape.check_unconfirmed(self._audio)
        if await tape.follow(call, wanted=wanted) and tape.marked:
            self._to_finish(tape.conversation.id)

    def _outlives(self, call: PhoneCall, tape: Tape) -> bool:
        """Whether the recorded channel may still be there: it moved to the call that was joined."""
        running = tape.conversation.running
        if running is None:
            return False
        moved = self._switchboard.calls.live.of_channel(running.channel) is not None
        return moved or running.channel in call.channels

    async def _finish(self, tape: Tape, at_ms: int, cause: int | None) -> None:
        conversation = tape.conversation
        if conversation.media or tape.marked:
            tape.finish(at_ms, cause)
            await tape.save()
            self._to_finish(conversation.id)
        else:
            await self._records.discard(conversation.id)
        self._tapes.pop(conversation.call_id, None)

    def _tape(self, conversation: Conversation, *, marked: bool = False) -> Tape:
        return Tape(conversation, self._pbx, self._records, stereo=self._stereo, marked=marked)
