"""The writes that keep a Conversation, its marks and what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from pydantic import TypeAdapter

from bridge.recordings.conversation import Conversation
from bridge.recordings.deletion_request import DeletionRequest, DeletionResult
from bridge.storage.statement import Statement, Value, Write

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
# Two instances that add to one conversation at once: the row is locked until the first has
# committed, and what the second counts after it has the rows of the first.
_LOCK = Statement(
    "UPDATE conversations SET protected = protected WHERE id = :id AND deletion_ms IS NULL"
)
# The casts tell PostgreSQL the types, which a SELECT does not.
_MARKER = Statement(
    "INSERT INTO conversation_markers (conversation_id, number, name, start_ms, end_ms)"
    " SELECT c.id, (SELECT COALESCE(MAX(m.number), 0) + 1 FROM conversation_markers m"
    " WHERE m.conversation_id = c.id), CAST(:name AS TEXT), CAST(:start_ms AS BIGINT),"
    " CAST(:end_ms AS BIGINT) FROM conversations c WHERE c.id = :id"
    " AND (SELECT COUNT(*) FROM conversation_markers n WHERE n.conversation_id = c.id) < :at_most"
)
_END_MARKER = Statement(
    "UPDATE conversation_markers SET end_ms = :end_ms"
    " WHERE conversation_id = :id AND number = :number AND end_ms IS NULL"
)
_ATTACH = Statement(
    "INSERT INTO conversation_metadata (conversation_id, name, value)"
    " SELECT c.id, CAST(:name AS TEXT), CAST(:value AS TEXT) FROM conversations c"
    " WHERE c.id = :id ON CONFLICT (conversation_id, name) DO UPDATE SET value = excluded.value"
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


def add_marker(
    conversation_id: str, name: str, start_ms: int, end_ms: int | None, at_most: int
) -> list[Write]:
    """Add a marker with the next number; times in milliseconds.

    The first counts no row if the record is gone or marked for deletion. The second counts none if
    the record has `at_most` markers already.
    """
    return [
        _LOCK.write(guard=True, id=conversation_id),
        _MARKER.write(
            id=conversation_id, name=name, start_ms=start_ms, end_ms=end_ms, at_most=at_most
        ),
    ]


def end_marker(conversation_id: str, number: int, end_ms: int) -> Write:
    """End that marker at `end_ms`. Counts no row if it has ended already."""
    return _END_MARKER.write(id=conversation_id, number=number, end_ms=end_ms)


def attach(conversation_id: str, values: Mapping[str, str], at_most: int | None) -> list[Write]:
    """Set these fields of the metadata, all or none.

    The first counts no row if the record is gone or marked for deletion. With `at_most`, the second
    counts none if the record would have more fields.
    """
    sets = [_ATTACH.write(id=conversation_id, name=k, value=v) for k, v in values.items()]
    lock = _LOCK.write(guard=True, id=conversation_id)
    if at_most is None:
        return [lock, *sets]
    params: tuple[Value, ...] = (conversation_id, *values, at_most - len(values))
    return [lock, Write(_room_beside(len(values)), params, guard=True), *sets]


@cache
def _room_beside(fields: int) -> Statement:
    """Changes a row if at most `others` fields of the metadata are not among the given ones."""
    names = ", ".join(f":name_{number}" for number in range(fields))
    return Statement(
        "UPDATE conversations SET protected = protected WHERE id = :id"  # noqa: S608 - own names
        " AND (SELECT COUNT(*) FROM conversation_metadata m WHERE m.conversation_id ="
        f" conversations.id AND m.name NOT IN ({names})) <= :others"
    )


def _numbers(conversation: Conversation) -> list[Write]:
    # sorted: two instances that lock rows in the same order cannot block each other
    return [
        _NUMBER.write(counted=False, id=conversation.id, number=number)
        for number in sorted(conversation.numbers)
    ]
