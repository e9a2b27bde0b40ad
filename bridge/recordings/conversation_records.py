"""What recording needs of storage: a protocol, so that nothing here knows SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from bridge.recordings.conversation import Conversation, Marker, StoredConversation
from bridge.recordings.deletion_request import AuditLine, DeletionRequest
from bridge.recordings.selection import SearchOrder, Selection


class ConversationRecords(Protocol):
    """A change is on disk when its method returns. A removed record never comes back.

    `select` and `search` leave out what is marked for deletion, except where the removal of the
    files has failed: that must be seen, and asked for again.
    """

    async def create(self, conversation: Conversation) -> None: ...

    async def update(self, conversation: Conversation) -> bool:
        """All but the marks. False where there is no such record (any more)."""

    async def get(self, conversation_id: str) -> StoredConversation | None:
        """The record, whatever its marks."""

    async def of_call(self, call_id: str) -> StoredConversation | None:
        """The record of that PhoneCall, whatever its marks."""

    async def select(self, selection: Selection, limit: int) -> list[StoredConversation]:
        """Newest start first."""

    async def search(self, order: SearchOrder) -> list[StoredConversation]: ...

    async def ongoing(self, pbx: str) -> list[StoredConversation]:
        """Those without an end, whatever their marks."""

    async def unfinished(self, pbx: str) -> list[StoredConversation]:
        """Those with something left to do: marked for deletion, or ended and not measured."""

    async def mark_deletion(self, conversation: Conversation, request: DeletionRequest) -> bool:
        """Mark it and write its audit line; False where it is protected, marked or gone."""

    async def deletion_failed(self, conversation_id: str, why: str | None) -> None: ...

    async def remove(self, conversation_id: str, at_ms: int) -> bool:
        """Remove a marked record with all that belongs to it and complete its audit line.

        True for exactly one caller.
        """

    async def discard(self, conversation_id: str) -> None:
        """Remove the record of a recording that never began."""

    async def protect(self, conversation_id: str, *, protected: bool) -> bool:
        """False where it is marked for deletion or gone."""

    async def add_marker(
        self, conversation_id: str, name: str, start_ms: int, end_ms: int | None
    ) -> bool:
        """False where there is no such record, or it is marked for deletion."""

    async def end_marker(self, conversation_id: str, name: str, end_ms: int) -> bool:
        """End the newest open marker of that name (any, where it is empty)."""

    async def markers(self, conversation_id: str) -> list[Marker]: ...

    async def attach(self, conversation_id: str, values: Mapping[str, str]) -> bool:
        """Set these fields of its metadata. False where there is no such record."""

    async def metadata(self, conversation_id: str) -> dict[str, str]: ...

    async def audit(self) -> Sequence[AuditLine]:
        """Every line, oldest first."""
