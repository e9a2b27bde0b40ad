"""A Conversation to store."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import replace

from bridge.recordings.conversation import Conversation, ConversationParty, Media
from bridge.recordings.deletion_request import DeletionRequest


def conversation(started_ms: int = 1_000, ended_ms: int | None = None) -> Conversation:
    call_id = secrets.token_hex(10)
    conversation_id = str(uuid.uuid4())
    return Conversation(
        id=conversation_id,
        pbx="main",
        call_id=call_id,
        linkedid=call_id,
        native_id=call_id,
        organization="0003",
        extension="0003*210",
        user_id=12,
        user_name="Alice Adams",
        source=ConversationParty("0003*210", "Alice Adams"),
        destination=ConversationParty("3235742879", "100% _Bob_"),
        direction=4,
        started_ms=started_ms,
        ended_ms=ended_ms,
        numbers=frozenset({"0003*210", "210", "5550003210", "3235742879"}),
        media=(
            Media(
                1,
                f"{conversation_id}-1",
                "wav",
                call_id,
                started_ms,
                ended_ms=ended_ms,
                bytes=None if ended_ms is None else 44,
            ),
        ),
    )


def of_number(number: str, started_ms: int, ended_ms: int | None = None) -> Conversation:
    return replace(conversation(started_ms, ended_ms), numbers=frozenset({number}))


def request(at_ms: int = 5_000) -> DeletionRequest:
    return DeletionRequest("erasure", "supervisor", "127.0.0.1", at_ms)
