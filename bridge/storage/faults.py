"""What can go wrong with the database, in our own words."""

from __future__ import annotations


class StorageUnavailable(Exception):
    """The database cannot be used now: disk full, server down, connection lost, stopping.

    For a write this means that it was not applied, except after a connection that was lost
    during COMMIT, when nobody can know; `outcome_unknown` is True then.
    """

    def __init__(self, why: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(why)
        self.outcome_unknown = outcome_unknown


class StorageOverloaded(StorageUnavailable):
    """`max_waiting` groups of writes wait already. Nothing was written."""


class DatabaseTooNew(Exception):
    """The database was migrated by a newer version of this program."""


class TransactionConflict(Exception):
    """The database broke the transaction in favour of another one. It can be tried again."""
