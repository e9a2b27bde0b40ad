"""Recording as a whole: its parts, made, started and stopped in order."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import structlog

from bridge.calls.call_records import CallRecords
from bridge.calls.switchboard import Switchboard
from bridge.directory.loader import CurrentDirectory
from bridge.maintenance import every
from bridge.recordings.call_locks import CallLocks
from bridge.recordings.conversation import Mute
from bridge.recordings.conversation_records import ConversationRecords
from bridge.recordings.deleting import Deletion
from bridge.recordings.finding import Finder, LookUpLimits
from bridge.recordings.finisher import Finisher
from bridge.recordings.next_call import NextCalls
from bridge.recordings.recorder import Recorder
from bridge.recordings.recording_pbx import AudioFiles, RecordingPbx
from bridge.settings import Settings
from bridge.storage.faults import StorageUnavailable

log = structlog.get_logger()


class Recordings:
    """Use as `async with`, between the switchboard's restore and the start of the link."""

    def __init__(
        self,
        settings: Settings,
        switchboard: Switchboard,
        pbx: RecordingPbx,
        audio: AudioFiles,
        calls: CallRecords,
        records: ConversationRecords,
        directory: CurrentDirectory,
    ) -> None:
        locks = CallLocks()
        self._locks = locks
        self.switchboard = switchboard
        self.records = records
        self.audio = audio
        self._finisher = Finisher(
            settings.pbx_name,
            records,
            audio,
            locks,
            retry_s=settings.recording_retry_s,
            settle_ms=settings.recording_settle_ms,
            close_limit_ms=settings.recording_close_limit_ms,
        )
        self.recorder = Recorder(
            switchboard,
            pbx,
            calls,
            records,
            audio,
            directory,
            locks,
            self._finisher.soon,
            stereo=settings.recording_stereo,
            switched_on=settings.recording,
        )
        self._next_calls = NextCalls()
        limits = LookUpLimits(
            settings.verba_lookup_tries,
            settings.verba_lookup_sleep_ms,
            settings.verba_next_call_wait_s,
        )
        self.finder = Finder(
            records, self._next_calls, directory, lambda: switchboard.calls.live, limits
        )
        self.deletion = Deletion(
            switchboard,
            records,
            self.recorder,
            self._finisher.removal,
            locks,
            directory,
            settings.recording_retention_days,
        )
        self._retry_s = settings.recording_retry_s
        self._stack = AsyncExitStack()
        self._retrying: asyncio.Task[None] | None = None

    async def mute(self, call_id: str, mute: Mute) -> bool:
        """Record silence of these sides from now on. False where the call is not being recorded.

        Raises PbxUnavailable, PbxRefused, PbxOutcomeUnknown, StorageUnavailable.
        """
        async with self._locks.of(call_id):
            call = self.switchboard.calls.live.get(call_id)
            return call is not None and await self.recorder.mute(call, mute)

    def retry_soon(self) -> None:
        """The PBX can record again: do now what failed meanwhile."""
        self._retrying = asyncio.create_task(self._retry_now())

    async def _retry_now(self) -> None:
        try:
            await self.recorder.retry()
        except StorageUnavailable as why:
            log.info("to be tried again", why=str(why))

    async def __aenter__(self) -> Recordings:
        self.switchboard.observe(self._next_calls.changed)
        await self.recorder.start()
        self._stack.push_async_callback(self.recorder.stop)
        self._finisher.start()
        self._stack.push_async_callback(self._finisher.stop)
        retry = asyncio.create_task(every(self._retry_s, "recording", self.recorder.retry))
        self._stack.callback(retry.cancel)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._retrying is not None:
            self._retrying.cancel()
        await self._stack.aclose()
