"""The writes that keep a Conversation, its marks and what belongs to it."""

from __future__ import annotations

from pydantic import TypeAdapter

from bridge.recordings.conversation import Conversation
from bridge.recordings.deletion_request import DeletionRequest, DeletionResult
from bridge.storage.statement import Statement, Write

# Fields that a later version adds need a default; fields that this version does not know are
# ignored.
_document: TypeAdapter[Conversation] = TypeAdapter(Conversation)

_INSERT = Statement(
    "INSERT INTO conversations (id, pbx, call_id, platform_call_id, native_id, meeting_id,"
    " organization, source_number, source_name, destination_number, destination_name, started_ms,"
    " ended_ms, measured, protected, document) VALUES (:id, :pbx, :call_id, :platform_call_id,"
    " :native_id, :meeting_id, :organization, :source_number, :source_name, :destination_number,"
    " :destination_name, :started_ms, :ended_ms, :measured, 0, :document)"
    " ON CONFLICT (id) DO NOTHING"
)
_UPDATE = Statement(
    "UPDATE conversations SET native_id = :native_id, meeting_id = :meeting_id,"
    " destination_number = :destination_number, destination_name = :destination_name,"
    " ended_ms = :ended_ms, measured = :measured, document = :document WHERE id = :id"
)
_NUMBER = Statement(
    "INSERT INTO conversation_numbers (number, conversation_id) VALUES (:number, :id)"
    " ON CONFLICT DO NOTHING"
)
_DISCARD = Statement("DELETE FROM conversations WHERE id = :id")
_REMOVE = Statement("DELETE FROM conversations WHERE id = :id AND deletion_ms IS NOT NULL")
# The database decides who marks first, also against somebody who protects the conversation.
_MARK = Statement(
    "UPDATE conversations SET deletion_ms = :deletion_ms"
    " WHERE id = :id AND deletion_ms IS NULL AND protected = 0"
)
_FAILED = Statement("UPDATE conversations SET failure = :failure WHERE id = :id")
_PROTECT = Statement(
    "UPDATE conversations SET protected = :protected WHERE id = :id AND deletion_ms IS NULL"
)
_AUDIT = Statement(
    "INSERT INTO conversation_deletions (conversation_id, platform_call_id, native_id, meeting_id,"
    " phone_call_id, requested_ms, key_name, user_name, remote, result) VALUES (:id,"
    " :platform_call_id, :native_id, :meeting_id, :call_id, :requested_ms, :key_name, :user_name,"
    " :remote, :result)"
)
_AUDIT_DONE = Statement(
    "UPDATE conversation_deletions SET result = :result, done_ms = :done_ms"
    " WHERE conversation_id = :id"
)
# The casts tell PostgreSQL the types, which a SELECT does not.
_MARKER = Statement(
    "INSERT INTO conversation_markers (conversation_id, number, name, start_ms, end_ms)"
    " SELECT c.id, (SELECT COALESCE(MAX(m.number), 0) + 1 FROM conversation_markers m"
    " WHERE m.conversation_id = c.id), CAST(:name AS TEXT), CAST(:start_ms AS BIGINT),"
    " CAST(:end_ms AS BIGINT) FROM conversations c WHERE c.id = :id AND c.deletion_ms IS NULL"
)
_END_MARKER = Statement(
    "UPDATE conversation_markers SET end_ms = :end_ms"
    " WHERE conversation_id = :id AND number = :number AND end_ms IS NULL"
)
_ATTACH = Statement(
    "INSERT INTO conversation_metadata (conversation_id, name, value)"
    " SELECT c.id, CAST(:name AS TEXT), CAST(:value AS TEXT) FROM conversations c"
    " WHERE c.id = :id AND c.deletion_ms IS NULL"
    " ON CONFLICT (conversation_id, name) DO UPDATE SET value = excluded.value"
)


def conversation_from_document(document: str) -> Conversation:
    """The conversation in a stored JSON document. Raises pydantic's ValidationError."""
    return _document.validate_json(document)


def insert_conversation(conversation: Conversation) -> list[Write]:
    """May be repeated; fails where the call has another conversation."""
    insert = _INSERT.write(
        counted=False,
        id=conversation.id,
        pbx=conversation.pbx,
        call_id=conversation.call_id,
        platform_call_id=conversation.linkedid,
        native_id=conversation.native_id,
        meeting_id=conversation.meeting_id,
        organization=conversation.organization,
        source_number=conversation.source.number,
        source_name=conversation.source.name,
        destination_number=conversation.destination.number,
        destination_name=conversation.destination.name,
        started_ms=conversation.started_ms,
        ended_ms=conversation.ended_ms,
        measured=int(not conversation.unmeasured),
        document=_document.dump_json(conversation).decode(),
    )
    return [insert, *_numbers(conversation)]


def update_conversation(conversation: Conversation) -> list[Write]:
    """Changes no row if the record is gone, and never changes the marks."""
    update = _UPDATE.write(
        guard=True,
        id=conversation.id,
        native_id=conversation.native_id,
        meeting_id=conversation.meeting_id,
        destination_number=conversation.destination.number,
        destination_name=conversation.destination.name,
        ended_ms=conversation.ended_ms,
        measured=int(not conversation.unmeasured),
        document=_document.dump_json(conversation).decode(),
    )
    return [update, *_numbers(conversation)]


def mark_deletion(conversation: Conversation, request: DeletionRequest) -> list[Write]:
    """The mark and its one audit line, or neither."""
    return [
        _MARK.write(guard=True, id=conversation.id, deletion_ms=request.at_ms),
        _AUDIT.write(
            counted=False,
            id=conversation.id,
            platform_call_id=conversation.linkedid,
            native_id=conversation.native_id,
            meeting_id=conversation.meeting_id,
            call_id=conversation.call_id,
            requested_ms=request.at_ms,
            key_name=request.key_name,
            user_name=request.user,
            remote=request.remote,
            result=DeletionResult.BEING_DELETED.value,
        ),
    ]


def deletion_failed(conversation_id: str, why: str | None) -> Write:
    """Keep why the files could not be removed; None takes the reason away."""
    return _FAILED.write(counted=False, id=conversation_id, failure=why)


def remove_conversation(conversation_id: str, at_ms: int) -> list[Write]:
    """The record of a marked conversation and the end of its audit line, or neither."""
    done = DeletionResult.DELETED.value
    return [
        _REMOVE.write(guard=True, id=conversation_id),
        _AUDIT_DONE.write(counted=False, id=conversation_id, result=done, done_ms=at_ms),
    ]


def discard_conversation(conversation_id: str) -> Write:
    """Remove the record, whatever its marks."""
    return _DISCARD.write(counted=False, id=conversation_id)


def protect_conversation(conversation_id: str, *, protected: bool) -> Write:
    """Counts no row if the record is gone or marked for deletion."""
    return _PROTECT.write(id=conversation_id, protected=int(protected))


def add_marker(conversation_id: str, name: str, start_ms: int, end_ms: int | None) -> Write:
    """Add a marker with the next number; times in milliseconds.

    Counts no row if the record is gone or marked for deletion.
    """
    return _MARKER.write(id=conversation_id, name=name, start_ms=start_ms, end_ms=end_ms)


def end_marker(conversation_id: str, number: int, end_ms: int) -> Write:
    """End that marker at `end_ms`. Counts no row if it has ended already."""
    return _END_MARKER.write(id=conversation_id, number=number, end_ms=end_ms)


def attach(conversation_id: str, name: str, value: str) -> Write:
    """Set one field of the metadata. Counts no row if the record is gone or marked for deletion."""
    return _ATTACH.write(id=conversation_id, name=name, value=value)


def _numbers(conversation: Conversation) -> list[Write]:
    # sorted: two instances that lock rows in the same order cannot block each other
    return [
        _NUMBER.write(counted=False, id=conversation.id, number=number)
        for number in sorted(conversation.numbers)
    ]
