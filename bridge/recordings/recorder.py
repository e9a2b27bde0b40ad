"""Records calls by the policy, from the moment both sides hear each other.

Follows the changes of calls one call at a time. Work that fails now (no link, no database) is
tried again in the next round and whenever the link has come up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from bridge.calls.call_records import CallRecords
from bridge.calls.live.change import Change
from bridge.calls.live.switchboard import Switchboard
from bridge.calls.live.tracker import Recorded
from bridge.calls.pbx import PbxOutcomeUnknown, PbxRefused, PbxUnavailable
from bridge.calls.state.phone_call import PhoneCall
from bridge.clock import now_ms
from bridge.directory.loader import CurrentDirectory
from bridge.faults import Fenced, StorageUnavailable, reason
from bridge.keyed_locks import KeyedLocks
from bridge.recordings.call_recording import CallRecording
from bridge.recordings.conversation import Conversation, Mute
from bridge.recordings.conversation_of_call import described, new_conversation
from bridge.recordings.conversation_records import ConversationRecords
from bridge.recordings.policy import is_recorded
from bridge.recordings.recording_pbx import AudioError, AudioFiles, NoSuchChannel, RecordingPbx
from bridge.supervision.conditions import Condition
from bridge.supervision.tasks import in_background

log = structlog.get_logger()


class Recorder:
    """`to_finish` gets the id of each conversation that has ended or is marked for deletion.
    `failed` is told `not_started` for each part that the PBX has refused."""

    def __init__(
        self,
        switchboard: Switchboard,
        pbx: RecordingPbx,
        calls: CallRecords,
        records: ConversationRecords,
        audio: AudioFiles,
        directory: CurrentDirectory,
        locks: KeyedLocks,
        to_finish: Callable[[str], None],
        *,
        stereo: bool,
        switched_on: bool = True,
        failed: Callable[[str], None] = lambda _: None,
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
        self.switched_on = switched_on
        self._failed = failed
        self._recordings: dict[str, CallRecording] = {}
        self._news: dict[str, PhoneCall] = {}
        self._unsettled: set[str] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping = False
        self.failing = Condition("recording_failing_began", "recording_failing_ended")

    @property
    def running(self) -> int:
        """How many calls are being recorded."""
        return len(self._recordings)

    async def start(self) -> None:
        """Take up what was being recorded when the service last ran, and follow every call.

        Raises StorageUnavailable.
        """
        for stored in await self._records.ongoing(self._switchboard.pbx.name):
            marked = stored.marks.deletion_ms is not None
            recording = self._recording_of(stored.conversation, marked=marked)
            recording.was_stored()
            self._recordings[stored.conversation.call_id] = recording
        self._switchboard.observe(self.changed)
        self._switchboard.at_link_up(self.link_up)

    async def stop(self) -> None:
        """End what is under way here; recordings on the PBX go on, and are taken up again."""
        self._stopping = True  # what is cancelled here must not begin anew
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def changed(self, change: Change) -> None:
        """Observer of the switchboard: follow the call if it is recorded, or must be."""
        call = change.after
        if call.id in self._recordings or call.id in self._tasks or self._is_to_be_recorded(call):
            self._soon(call)

    async def link_up(self) -> None:
        """Bring everything in line with the calls that live now. Raises StorageUnavailable."""
        self._unsettled.update(self._recordings)
        for call in self._switchboard.calls.live:
            if call.id not in self._recordings and self._is_to_be_recorded(call):
                self._soon(call)
        await self.retry()

    async def retry(self) -> None:
        """Try again what failed for want of the link or the database. Raises StorageUnavailable."""
        for call_id in list(self._unsettled):
            await self._again(call_id)

    # For those who hold the lock of the call.

    async def stop_for_deletion(self, call: PhoneCall | None, call_id: str) -> None:
        """Stop recording the call for good, and close the running part.

        Raises PbxUnavailable, PbxRefused, PbxOutcomeUnknown, StorageUnavailable.
        """
        recording = self._recordings.get(call_id)
        if recording is None:
            return
        recording.marked = True
        if call is None:
            return
        try:
            await recording.follow(call, wanted=False)
        except BaseException:
            self._unsettled.add(call_id)
            raise
        self._tell(recording)

    async def open(self, call: PhoneCall) -> CallRecording:
        """A record for a call that is not recorded yet. Raises StorageUnavailable."""
        conversation = new_conversation(call, self._directory.directory, call.linkedid, now_ms())
        recording = self._recording_of(conversation)
        await recording.save()
        self._recordings[call.id] = recording
        return recording

    async def settle(self, call: PhoneCall) -> bool:
        """Do now what the newest state of the call asks for. Whether it is being recorded then.

        Raises AudioError, too, and as `stop_for_deletion`.
        """
        try:
            await self._settle(call)
        except BaseException:
            self._unsettled.add(call.id)
            raise
        return self.is_running(call.id)

    def is_deleted(self, call_id: str) -> bool:
        """Whether the recording of this live call is marked for deletion."""
        recording = self._recordings.get(call_id)
        return recording is not None and recording.marked

    def is_running(self, call_id: str) -> bool:
        """Whether the call is being recorded now."""
        recording = self._recordings.get(call_id)
        return recording is not None and recording.conversation.running is not None

    def was_refused(self, call_id: str) -> bool:
        """Whether the PBX has refused to begin the recording of this call."""
        recording = self._recordings.get(call_id)
        return recording is not None and recording.refused != ""

    async def mute(self, call: PhoneCall, mute: Mute) -> bool:
        """Record silence of these sides from now on.

        False where the call is not being recorded. Raises as `stop_for_deletion`.
        """
        recording = self._recordings.get(call.id)
        if recording is None or recording.marked:
            return False
        try:
            await recording.mute(call, mute)
        except BaseException:
            self._unsettled.add(call.id)
            raise
        return True

    # Inside.

    def _is_to_be_recorded(self, call: PhoneCall) -> bool:
        if not self.switched_on or call.answered_ms is None or call.final is not None:
            return False
        return is_recorded(call, self._directory.directory)

    def _soon(self, call: PhoneCall) -> None:
        self._news[call.id] = call
        if call.id not in self._tasks and not self._stopping:
            self._tasks[call.id] = in_background(self._follow(call.id), "recording_of_call")

    async def _again(self, call_id: str) -> None:
        call = self._switchboard.calls.live.get(call_id)
        if call is None:
            call = await self._calls.find(call_id)
            if call is not None and call.final is None:
                return  # it has ended, and the disk lags behind: that must not undo the news of it
        self._unsettled.discard(call_id)
        if call is not None:
            self._soon(call)
        elif (recording := self._recordings.get(call_id)) is not None:
            async with self._locks.of(call_id):
                await self._finish(recording, now_ms(), None)

    async def _follow(self, call_id: str) -> None:
        """The newest state of the call until there is none newer."""
        try:
            while call_id in self._news:
                async with self._locks.of(call_id):
                    # Others may have waited for the lock, too: an older order must not count.
                    call = self._newest(self._news.pop(call_id))
                    await self._settle(call)
                if call_id in self._recordings and call.final is None:
                    self.failing.end()
        except (
            PbxUnavailable,
            PbxOutcomeUnknown,
            PbxRefused,
            AudioError,
            StorageUnavailable,
            Fenced,
        ) as why:
            log.warning("recording_sync_failed", call_id=call_id, why=str(why))
            if not isinstance(why, NoSuchChannel):  # that call has just ended
                self.failing.begin(reason(why))
            self._unsettled.add(call_id)
        except Exception:
            log.exception("recording_failed", call_id=call_id)
            self._unsettled.add(call_id)
        finally:
            del self._tasks[call_id]
            if call_id in self._news and not self._stopping:
                self._soon(self._news[call_id])

    def _newest(self, call: PhoneCall) -> PhoneCall:
        """An order about the recording changes a call, and is told to no observer."""
        live = self._switchboard.calls.live.get(call.id)
        return call if live is None or call.final is not None else live

    async def _settle(self, call: PhoneCall) -> None:
        recording = self._recordings.get(call.id)
        directory = self._directory.directory
        if recording is not None:
            recording.conversation = described(recording.conversation, call, directory)
        if call.final is not None:
            if recording is not None:
                if self._outlives(call, recording):
                    await recording.stop()
                await self._finish(recording, call.final.at_ms, call.final.cause)
            return
        wanted = self._is_to_be_recorded(call)
        if recording is None:
            if not wanted or not call.channels:
                return
            recording = self._recording_of(
                new_conversation(call, directory, call.linkedid, now_ms())
            )
            self._recordings[call.id] = recording
        else:
            await recording.check_unconfirmed(self._audio)
        if await recording.follow(call, wanted=wanted) and recording.marked:
            self._to_finish(recording.conversation.id)
        self._tell(recording)

    def _tell(self, recording: CallRecording) -> None:
        """Keep with the call what its views show of the recording."""
        conversation = recording.conversation
        recorded = None
        if conversation.media and not recording.marked:
            began_ms = conversation.media[0].started_ms
            recorded = Recorded(began_ms, conversation.id, conversation.running is not None)
        self._switchboard.note_recording(conversation.call_id, recorded)

    def _outlives(self, call: PhoneCall, recording: CallRecording) -> bool:
        """Whether the recorded channel may still be there: it moved to the call that was joined."""
        running = recording.conversation.running
        if running is None:
            return False
        moved = self._switchboard.calls.live.of_channel(running.channel) is not None
        return moved or running.channel in call.channels

    async def _finish(self, recording: CallRecording, at_ms: int, cause: int | None) -> None:
        conversation = recording.conversation
        if conversation.media or recording.marked:
            recording.finish(at_ms, cause)
            await recording.save()
            self._to_finish(conversation.id)
        else:
            await self._records.discard(conversation.id)
        self._recordings.pop(conversation.call_id, None)

    def _recording_of(self, conversation: Conversation, *, marked: bool = False) -> CallRecording:
        return CallRecording(
            conversation,
            self._pbx,
            self._records,
            stereo=self._stereo,
            marked=marked,
            not_started=lambda: self._failed("not_started"),
        )
