"""Deleting a conversation for good, also one that is still going on.

The order: a mark on disk, recording stopped, the files removed, the record removed. The call
itself goes on undisturbed.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from bridge.calls.live.switchboard import Switchboard
from bridge.calls.pbx import PbxOutcomeUnknown, PbxRefused, PbxUnavailable
from bridge.calls.state.phone_call import PhoneCall
from bridge.clock import now_ms
from bridge.directory.loader import CurrentDirectory
from bridge.keyed_locks import KeyedLocks
from bridge.recordings.conversation import StoredConversation
from bridge.recordings.conversation_of_call import organizations_of
from bridge.recordings.conversation_records import ConversationRecords
from bridge.recordings.deletion_request import DeletionRequest
from bridge.recordings.file_removal import Removal
from bridge.recordings.recorder import Recorder

log = structlog.get_logger()

_DAY_MS = 24 * 3600 * 1000


class DeletionForbidden(Exception):
    """The deletion was refused. `str()` says what forbids it."""


class CallProtected(DeletionForbidden):
    """KeepCall protects the conversation."""


class UnderRetention(DeletionForbidden):
    """An organization of the call must keep it longer."""


class AlreadyGone(Exception):
    """Somebody else has deleted it meanwhile."""


class Deletion:
    """`retention_days`: how long the conversations of an organization must be kept, where its
    entry in the directory does not say."""

    def __init__(
        self,
        switchboard: Switchboard,
        records: ConversationRecords,
        recorder: Recorder,
        removal: Removal,
        locks: KeyedLocks,
        directory: CurrentDirectory,
        retention_days: int,
    ) -> None:
        self._switchboard = switchboard
        self._records = records
        self._recorder = recorder
        self._removal = removal
        self._locks = locks
        self._directory = directory
        self._retention_days = retention_days

    async def delete(self, found: StoredConversation | PhoneCall, request: DeletionRequest) -> None:
        """When this returns, the conversation and its files are gone, and the call is no longer
        recorded.

        The mark stays until the call has ended; until then a second wish is the same wish. Raises
        DeletionForbidden, AlreadyGone, NotRemoved (marked, and tried again until it succeeds),
        StorageUnavailable.
        """
        is_call = isinstance(found, PhoneCall)
        call_id = found.id if isinstance(found, PhoneCall) else found.conversation.call_id
        async with self._locks.of(call_id):
            stored = await self._records.of_call(call_id)
            if stored is None and is_call:
                stored = await self._without_recording(call_id)
            if stored is None:
                raise AlreadyGone
            await self._mark(stored, request)
            await self._stop(stored)
            fresh = await self._records.get(stored.conversation.id)
            if fresh is not None:
                await self._removal.remove(fresh)

    async def _without_recording(self, call_id: str) -> StoredConversation | None:
        """A record for a call that has just begun, to carry the mark."""
        call = self._switchboard.calls.live.get(call_id)
        if call is None:
            return None
        numbers = (leg.number for leg in call.legs)
        self._check_retention(organizations_of(numbers, call.organization), None)
        recording = await self._recorder.open(call)
        return StoredConversation(recording.conversation)

    async def _mark(self, stored: StoredConversation, request: DeletionRequest) -> None:
        conversation, marks = stored.conversation, stored.marks
        if marks.deletion_ms is not None:
            return
        if marks.protected:
            raise CallProtected("the call is protected (KeepCall with unmark=1 releases it)")
        organizations = organizations_of(conversation.numbers, conversation.organization)
        self._check_retention(organizations, conversation.ended_ms)
        if not await self._records.mark_deletion(conversation, request):
            raise AlreadyGone
        log.info(
            "deletion_requested",
            conversation_id=conversation.id,
            call_id=conversation.call_id,
            verba_key=request.key_name,
            verba_user=request.user,
            remote=request.remote,
        )

    async def _stop(self, stored: StoredConversation) -> None:
        call_id = stored.conversation.call_id
        call = self._switchboard.calls.live.get(call_id)
        try:
            await self._recorder.stop_for_deletion(call, call_id)
        except (PbxUnavailable, PbxOutcomeUnknown, PbxRefused) as why:
            await self._removal.failed(stored, f"recording not stopped: {why}")

    def _check_retention(self, prefixes: Iterable[str], ended_ms: int | None) -> None:
        """Uses the longest retention of all organizations in the call."""
        known = self._directory.directory.organizations
        wished = [known[x].retention_days for x in prefixes if x in known] or [None]
        days = max(self._retention_days if x is None else x for x in wished)
        kept_until_ms = (ended_ms or now_ms()) + days * _DAY_MS
        if days and now_ms() < kept_until_ms:
            raise UnderRetention(f"calls of this organization are kept for {days} days")
