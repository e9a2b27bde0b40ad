"""Words for what went wrong, for messages and the log."""

from __future__ import annotations

import re

# SQLAlchemy sets the class of the driver's error before its text.
_CLASS_NAME = re.compile(r"^<class '[\w.]+'>: ")


def reason(error: BaseException) -> str:
    """The text of a fault, never empty: time-limit errors often have no text of their own.

    An error of SQLAlchemy says class names, the statement and a link around the words of the
    database; only those words are kept.
    """
    original = getattr(error, "orig", None)
    text = str(original if isinstance(original, BaseException) else error)
    text = " ".join(_CLASS_NAME.sub("", text).split())
    if not text and isinstance(error, TimeoutError):
        return "no answer in time"
    return text or type(error).__name__


class StorageUnavailable(Exception):
    """The database cannot be used now: disk full, server down, connection lost, stopping.

    For a write this means that it was not applied, except after a connection that was lost
    during COMMIT, when nobody can know; `outcome_unknown` is True then. `timed_out`: it may well be
    there, but did not answer in time.
    """

    def __init__(self, why: str, *, outcome_unknown: bool = False, timed_out: bool = False) -> None:
        super().__init__(why)
        self.outcome_unknown = outcome_unknown
        self.timed_out = timed_out


class StorageOverloaded(StorageUnavailable):
    """`max_waiting` groups of writes wait already. The group was not written."""


class Fenced(Exception):
    """Another instance holds what this one was about to act for, or may take it at any moment.

    Nothing was written, and nothing will be: the same is never tried again here. `str()` says which
    resource.
    """


class DatabaseTooNew(Exception):
    """The database was migrated by a newer version of this program."""


class StorageUnusable(Exception):
    """The database refuses for a reason that waiting cannot cure: password, rights, a broken file.

    `str()` names the database.
    """


class TransactionConflict(Exception):
    """The database broke the transaction in favour of another one. It can be tried again."""
