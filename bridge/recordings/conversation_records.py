"""The protocol between recording and its storage; it contains no SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from bridge.recordings.conversation import Conversation, Marker, StoredConversation
from bridge.recordings.deletion_request import DeletionRequest
from bridge.recordings.selection import SearchOrder, Selection


class LimitReached(Exception):
    """A conversation would have more markers, or more fields of metadata, than it may have."""


class ConversationRecords(Protocol):
    """A change is on disk when its method returns. A removed record never comes back.

    `select` and `search` leave out records that are marked for deletion. They keep a record if the
    removal of its files has failed, so that a client can ask again.
    """

    async def create(self, conversation: Conversation) -> None:
        """Store a new record; storing it twice does no harm.

        Fails if its call has another record.
        """

    async def update(self, conversation: Conversation) -> bool:
        """All but the marks. False if the record does not exist (any more)."""

    async def get(self, conversation_id: str) -> StoredConversation | None:
        """The record, whatever its marks."""

    async def of_call(self, call_id: str) -> StoredConversation | None:
        """The record of that PhoneCall, whatever its marks."""

    async def select(self, selection: Selection, limit: int) -> list[StoredConversation]:
        """The records that match, the newest start first; at most `limit`.

        Finished ones are in the order of their ends.
        """

    async def search(self, order: SearchOrder) -> list[StoredConversation]:
        """The records that match, in the wished order; at most `order.limit` from `order.offset`
        on."""

    async def ongoing(self, pbx: str) -> list[StoredConversation]:
        """Those without an end, whatever their marks."""

    async def unfinished(self, pbx: str) -> list[StoredConversation]:
        """Those with something left to do: marked for deletion, or ended and not measured."""

    async def mark_deletion(self, conversation: Conversation, request: DeletionRequest) -> bool:
        """Mark it and write its audit line; False if it is protected, marked or gone."""

    async def was_deleted(self, either_id: str) -> bool:
        """Whether a conversation of that id, or of the PhoneCall of that id, has been deleted, or
        is being deleted."""

    async def deletion_failed(self, conversation_id: str, why: str | None) -> None:
        """Keep why the files could not be removed; None: there is no failure any more."""

    async def remove(self, conversation_id: str, at_ms: int) -> bool:
        """Remove a marked record with all that belongs to it and complete its audit line.

        True for exactly one caller.
        """

    async def discard(self, conversation_id: str) -> None:
        """Remove the record of a recording that never began."""

    async def protect(self, conversation_id: str, *, protected: bool) -> bool:
        """False if it is marked for deletion or gone."""

    async def add_marker(
        self, conversation_id: str, name: str, start_ms: int, end_ms: int | None, at_most: int
    ) -> bool:
        """False if the record does not exist or is marked for deletion.

        Raises LimitReached if it has `at_most` markers, whoever else adds one at the same time.
        """

    async def end_marker(self, conversation_id: str, name: str, end_ms: int) -> bool:
        """End the newest open marker of that name; an empty name means any.

        False if there is none.
        """

    async def markers(self, conversation_id: str) -> list[Marker]:
        """The markers of the conversation by their numbers; none for an unknown conversation."""

    async def attach(
        self, conversation_id: str, values: Mapping[str, str], at_most: int | None = None
    ) -> bool:
        """Set these fields of its metadata; `values` has at least one.

        False if the record does not exist or is marked for deletion. Raises LimitReached, with
        nothing set, if it would have more than `at_most`, whoever else sets some at the same time.
        Without `at_most` there is no limit: for the fields of the service itself.
        """

    async def metadata(self, conversation_id: str) -> dict[str, str]:
        """Its metadata by field, in the order of the names; empty for an unknown conversation."""

    async def metadata_of(self, conversation_ids: Collection[str]) -> dict[str, dict[str, str]]:
        """Of each of them; empty if it has none."""
