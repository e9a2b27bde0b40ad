"""Deleting a conversation for good, also one that is still going on.

The order: a mark on disk, recording stopped, the files removed, the record removed. The call
itself goes on undisturbed.
"""

from __future__ import annotations

import structlog

from bridge.calls.pbx import PbxOutcomeUnknown, PbxRefused, PbxUnavailable
from bridge.calls.phone_call import PhoneCall
from bridge.calls.switchboard import Switchboard, now_ms
from bridge.directory.loader import CurrentDirectory
from bridge.recordings.call_locks import CallLocks
from bridge.recordings.conversation import StoredConversation
from bridge.recordings.conversation_records import ConversationRecords
from bridge.recordings.deletion_request import DeletionRequest
from bridge.recordings.recorder import Recorder
from bridge.recordings.removal import Removal

log = structlog.get_logger()

_DAY_MS = 24 * 3600 * 1000


class DeletionForbidden(Exception):
    """Nothing was deleted. `str()` says what forbids it."""


class CallProtected(DeletionForbidden):
    pass


class UnderRetention(DeletionForbidden):
    pass


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
        locks: CallLocks,
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
        """Nothing of the conversation is left when this returns, and nothing more is recorded.

        The mark stays until the call has ended. Raises DeletionForbidden, AlreadyGone, NotRemoved
        (marked, and tried again until it succeeds), StorageUnavailable.
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
        self._check_retention(call.organization, None)
        tape = await self._recorder.open(call)
        return StoredConversation(tape.conversation)

    async def _mark(self, stored: StoredConversation, request: DeletionRequest) -> None:
        conversation, marks = stored.conversation, stored.marks
        if marks.deletion_ms is not None:
            if marks.failure is None:
                raise AlreadyGone
            return  # asked for again, after a failure
        if marks.protected:
            raise CallProtected("the call is protected (KeepCall with unmark=1 releases it)")
        self._check_retention(conversation.organization, conversation.ended_ms)
        if not await self._records.mark_deletion(conversation, request):
            raise AlreadyGone
        log.info(
            "deletion requested",
            conversation_id=conversation.id,
            call_id=conversation.call_id,
            key=request.key_name,
            user=request.user,
            remote=request.remote,
        )

    async def _stop(self, stored: StoredConversation) -> None:
        call_id = stored.conversation.call_id
        call = self._switchboard.calls.live.get(call_id)
        try:
            await self._recorder.stop_for_deletion(call, call_id)
        except (PbxUnavailable, PbxOutcomeUnknown, PbxRefused) as why:
            await self._removal.failed(stored, f"recording not stopped: {why}")

    def _check_retention(self, prefix: str | None, ended_ms: int | None) -> None:
        organization = self._directory.directory.organizations.get(prefix or "")
        days = organization.retention_days if organization is not None else None
        days = self._retention_days if days is None else days
        kept_until_ms = (ended_ms or now_ms()) + days * _DAY_MS
        if days and now_ms() < kept_until_ms:
            raise UnderRetention(f"calls of this organization are kept for {days} days")
