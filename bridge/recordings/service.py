"""Recording as a whole: its parts, made, started and stopped in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

import structlog

from bridge.calls.call_records import CallRecords
from bridge.calls.live.switchboard import Switchboard
from bridge.calls.steering.action_turns import ActionTurns
from bridge.directory.loader import CurrentDirectory
from bridge.faults import Fenced, StorageUnavailable
from bridge.keyed_locks import KeyedLocks
from bridge.recordings.conversation import Conversation, Mute
from bridge.recordings.conversation_records import ConversationRecords
from bridge.recordings.deletion import Deletion
from bridge.recordings.finder import Finder
from bridge.recordings.finisher import Finisher
from bridge.recordings.next_call import NextCalls
from bridge.recordings.ordered_recording import OrderedRecording
from bridge.recordings.recorder import Recorder
from bridge.recordings.recording_pbx import AudioFiles, RecordingPbx
from bridge.recordings.recording_settings import RecordingSettings
from bridge.supervision.intervals import every
from bridge.supervision.tasks import in_background, must_live

log = structlog.get_logger()


class Recordings:
    """Use as `async with`, between the switchboard's restore and the start of the link."""

    def __init__(
        self,
        settings: RecordingSettings,
        switchboard: Switchboard,
        pbx: RecordingPbx,
        audio: AudioFiles,
        calls: CallRecords,
        records: ConversationRecords,
        directory: CurrentDirectory,
        turns: ActionTurns,
        session_problem: Callable[[], str] = lambda: "",
        failed: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`turns`: of the actions on each call. `failed` is told why a part has no audio:
        `not_started`, `missing` or `empty`."""
        self.switched_on = settings.switched_on
        self._session_problem = session_problem
        locks = KeyedLocks()
        self.locks = locks
        self.switchboard = switchboard
        self.records = records
        self.audio = audio
        self._finisher = Finisher(
            settings.pbx_name,
            records,
            audio,
            locks,
            retry_s=settings.retry_s,
            settle_ms=settings.settle_ms,
            close_limit_ms=settings.close_limit_ms,
            failed=failed,
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
            stereo=settings.stereo,
            switched_on=settings.switched_on,
            failed=failed,
        )
        self.ordered = OrderedRecording(switchboard, self.recorder, directory, locks, turns)
        self._next_calls = NextCalls()
        self.finder = Finder(
            records,
            self._next_calls,
            directory,
            lambda: switchboard.calls.live,
            settings.look_up,
        )
        self.deletion = Deletion(
            switchboard,
            records,
            self.recorder,
            self._finisher.removal,
            locks,
            directory,
            settings.retention_days,
        )
        self._retry_s = settings.retry_s
        self._stack = AsyncExitStack()
        self._retrying: asyncio.Task[None] | None = None

    @property
    def problem(self) -> str:
        """Why calls are not recorded, or without audio; empty where nothing is known of it."""
        return (
            self._session_problem() or self.recorder.failing.problem or self._finisher.empty.problem
        )

    @property
    def waiting_for_removal(self) -> int:
        """How many deleted conversations had files when the records were last looked through."""
        return self._finisher.waiting_for_removal

    async def mute(self, call_id: str, mute: Mute) -> bool:
        """Record silence of these sides from now on. False where the call is not being recorded.

        Raises PbxUnavailable, PbxRefused, PbxOutcomeUnknown, StorageUnavailable.
        """
        async with self.locks.of(call_id):
            call = self.switchboard.calls.live.get(call_id)
            return call is not None and await self.recorder.mute(call, mute)

    def at_removed(self, told: Callable[[Conversation], None]) -> None:
        """Have `told` called with each conversation that was removed for good."""
        self._finisher.removal.at_removed(told)

    def retry_soon(self) -> None:
        """The PBX can record again: do now what failed meanwhile."""
        self._retrying = in_background(self._retry_now(), "recording_retry")

    async def _retry_now(self) -> None:
        try:
            await self.recorder.retry()
        except (StorageUnavailable, Fenced) as why:
            log.info("recording_retry_failed", why=str(why))

    async def __aenter__(self) -> Recordings:
        self.switchboard.observe(self._next_calls.changed)
        await self.recorder.start()
        self._stack.push_async_callback(self.recorder.stop)
        self._finisher.start()
        self._stack.push_async_callback(self._finisher.stop)
        rounds = must_live(
            every(self._retry_s, "recording", self.recorder.retry), "recording_rounds"
        )
        self._stack.push_async_callback(rounds.stop)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._retrying is not None:
            self._retrying.cancel()
        await self._stack.aclose()
