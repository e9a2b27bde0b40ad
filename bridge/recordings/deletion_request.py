"""The client that asked for a deletion, for the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class DeletionRequest:
    """`key_name` is the name of the API key, `user` the login behind its token, if any.

    `remote` is the client's address. Never a key, never a token.
    """

    key_name: str
    user: str
    remote: str
    at_ms: int


class DeletionResult(Enum):
    """Of the one audit line of a deletion; it begins as the first and ends as the second."""

    BEING_DELETED = "being deleted"
    DELETED = "deleted"
