"""A PBX that records, its files and the records of it, all in memory; everything in one diary."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

from bridge.calls.state.pbx_events import ChannelState
from bridge.calls.state.phone_call import CallChannel, LegPhase, PhoneCall
from bridge.clock import now_ms
from bridge.config.secrets_file import ThrowawaySecrets
from bridge.directory.loader import EXAMPLE_FILE, CurrentDirectory
from bridge.keyed_locks import KeyedLocks
from bridge.recordings.conversation import Conversation, Marker, Marks, StoredConversation
from bridge.recordings.deletion import Deletion
from bridge.recordings.deletion_request import DeletionRequest
from bridge.recordings.finisher import Finisher
from bridge.recordings.recorder import Recorder
from bridge.recordings.recording_pbx import AudioDirection, AudioError, AudioMissing
from bridge.recordings.selection import SearchOrder, Selection
from tests.unit.calls.fakes import Exchange, accepted

DIRECTORY = CurrentDirectory(EXAMPLE_FILE, ThrowawaySecrets())
REQUEST = DeletionRequest("erasure", "", "127.0.0.1", 1)


def connected(call: PhoneCall | None = None, *, recording: bool = True) -> PhoneCall:
    """210 and 211 talk; `<id>` and `b` are their channels."""
    call = call or accepted()
    source, destination = call.legs
    at_ms = now_ms()
    up = {"phase": LegPhase.UP, "answered_ms": at_ms}
    return replace(
        call,
        recording=recording,
        answered_ms=at_ms,
        legs=(
            replace(source, uniqueid=call.id, **up),  # type: ignore[arg-type]
            replace(destination, uniqueid="b", **up),  # type: ignore[arg-type]
        ),
        channels={
            call.id: CallChannel(call.id, "PJSIP/0003*210", ChannelState.UP, at_ms),
            "b": CallChannel("b", "PJSIP/0003*211", ChannelState.UP, at_ms + 1),
        },
    )


class FakeWorld:
    """RecordingPbx, AudioFiles and ConversationRecords in one. `fails` and `storage_fails` are what
    every action of the PBX, and every write, raises; `stuck` are files that cannot be removed.
    """

    def __init__(self) -> None:
        self.diary: list[str] = []
        self.files: dict[str, bytes] = {}
        self.stuck: set[str] = set()
        self.records: dict[str, StoredConversation] = {}
        self.audit_lines: list[str] = []
        self.fails: Exception | None = None
        self.mute_fails: Exception | None = None
        self.storage_fails: Exception | None = None

    # RecordingPbx

    async def start_recording(self, channel: str, name: str, *, stereo: bool) -> str:
        self._do(f"start {channel}")
        self.files[name] = b""
        return "0x1"

    async def stop_recording(self, channel: str, mixmonitor_id: str) -> bool:
        self._do(f"stop {channel}")
        return True

    async def mute_recording(
        self, channel: str, mixmonitor_id: str, direction: AudioDirection, *, muted: bool
    ) -> None:
        if self.mute_fails is not None:
            raise self.mute_fails
        self._do(f"mute {channel} {direction.value} {muted}")

    # AudioFiles

    @asynccontextmanager
    async def read(self, name: str) -> AsyncIterator[AsyncIterator[bytes]]:
        if name not in self.files:
            raise AudioMissing(name)

        async def chunks() -> AsyncIterator[bytes]:
            yield self.files[name]

        yield chunks()

    async def delete(self, name: str) -> bool:
        if name in self.stuck:
            raise AudioError("Delete failed")
        self.diary.append("delete file")
        return self.files.pop(name, None) is not None

    async def is_empty(self) -> bool:
        return not self.files

    # ConversationRecords

    async def create(self, conversation: Conversation) -> None:
        self._write("create record")
        self.records[conversation.id] = StoredConversation(conversation)

    async def update(self, conversation: Conversation) -> bool:
        if self.storage_fails is not None:
            raise self.storage_fails
        stored = self.records.get(conversation.id)
        if stored is None:
            return False
        self.records[conversation.id] = replace(stored, conversation=conversation)
        return True

    async def get(self, conversation_id: str) -> StoredConversation | None:
        return self.records.get(conversation_id)

    async def of_call(self, call_id: str) -> StoredConversation | None:
        found = [x for x in self.records.values() if x.conversation.call_id == call_id]
        return found[0] if found else None

    async def ongoing(self, pbx: str) -> list[StoredConversation]:
        return [x for x in self.records.values() if x.conversation.ended_ms is None]

    async def unfinished(self, pbx: str) -> list[StoredConversation]:
        return [x for x in self.records.values() if x.marks.deletion_ms is not None]

    async def mark_deletion(self, conversation: Conversation, request: DeletionRequest) -> bool:
        self._write("mark")
        stored = self.records[conversation.id]
        self.records[conversation.id] = replace(stored, marks=Marks(deletion_ms=request.at_ms))
        self.audit_lines.append(conversation.id)
        return True

    async def was_deleted(self, either_id: str) -> bool:
        return either_id in self.audit_lines

    async def deletion_failed(self, conversation_id: str, why: str | None) -> None:
        stored = self.records[conversation_id]
        marks = replace(stored.marks, failure=why)
        self.records[conversation_id] = replace(stored, marks=marks)

    async def remove(self, conversation_id: str, at_ms: int) -> bool:
        self._write("remove record")
        return self.records.pop(conversation_id, None) is not None

    async def discard(self, conversation_id: str) -> None:
        self._write("discard record")
        self.records.pop(conversation_id, None)

    # Not needed by those who record and delete.

    async def select(self, selection: Selection, limit: int) -> list[StoredConversation]:
        raise NotImplementedError

    async def search(self, order: SearchOrder) -> list[StoredConversation]:
        raise NotImplementedError

    async def protect(self, conversation_id: str, *, protected: bool) -> bool:
        raise NotImplementedError

    async def add_marker(
        self, conversation_id: str, name: str, start_ms: int, end_ms: int | None, at_most: int
    ) -> bool:
        raise NotImplementedError

    async def end_marker(self, conversation_id: str, name: str, end_ms: int) -> bool:
        raise NotImplementedError

    async def markers(self, conversation_id: str) -> list[Marker]:
        raise NotImplementedError

    async def attach(
        self, conversation_id: str, values: Mapping[str, str], at_most: int | None = None
    ) -> bool:
        raise NotImplementedError

    async def metadata(self, conversation_id: str) -> dict[str, str]:
        raise NotImplementedError

    async def metadata_of(self, conversation_ids: Collection[str]) -> dict[str, dict[str, str]]:
        raise NotImplementedError

    def _do(self, what: str) -> None:
        if self.fails is not None:
            raise self.fails
        self.diary.append(what)

    def _write(self, what: str) -> None:
        if self.storage_fails is not None:
            raise self.storage_fails
        self.diary.append(what)


class Studio:
    """A recorder and a deletion over a fake world and a fake switchboard."""

    def __init__(
        self,
        world: FakeWorld | None = None,
        *,
        switched_on: bool = True,
        directory: CurrentDirectory = DIRECTORY,
        retention_days: int = 0,
    ) -> None:
        self.world = world or FakeWorld()
        self.exchange = Exchange()
        self.to_finish: list[str] = []
        self.failed: list[str] = []
        locks = self.locks = KeyedLocks()
        self.finisher = Finisher(
            "pbx1",
            self.world,
            self.world,
            locks,
            retry_s=60,
            settle_ms=0,
            close_limit_ms=0,
        )
        switchboard = self.exchange.switchboard
        self.recorder = Recorder(
            switchboard,
            self.world,
            self.exchange.records,
            self.world,
            self.world,
            directory,
            locks,
            self.to_finish.append,
            stereo=False,
            switched_on=switched_on,
            failed=self.failed.append,
        )
        self.deletion = Deletion(
            switchboard,
            self.world,
            self.recorder,
            self.finisher.removal,
            locks,
            directory,
            retention_days=retention_days,
        )

    @property
    def conversation(self) -> Conversation:
        [stored] = self.world.records.values()
        return stored.conversation
