"""SQL that changes rows, written once for both engines."""

from __future__ import annotations

import re
from dataclasses import dataclass

Value = str | int | None

_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class RowLock:
    """Rows that several instances change, each several of them in one transaction.

    Two that lock them in opposite order would wait for each other. So a transaction of several
    instances locks them first, by ascending `rank` and in the order of their keys. `make` and
    `lock` are of PostgreSQL, with the keys as `$1`: `make` adds the rows that are missing.
    """

    rank: int
    lock: str
    make: str = ""


class Statement:
    """One INSERT, UPDATE or DELETE with `:name` parameters; each parameter occurs once.

    Plain SQL instead of SQLAlchemy's expressions: both engines understand the same upserts.
    Measured: an upsert of a call is 4 to 5 times as fast (`python -m tests.bench.pieces`).
    `many_rows`: it may change so many that it takes milliseconds. `lock`: of the row that it
    changes, whose key is the parameter `lock_key`.
    """

    __slots__ = ("lock", "lock_key", "many_rows", "names", "postgresql", "sqlite")

    def __init__(
        self,
        sql: str,
        *,
        many_rows: bool = False,
        lock: RowLock | None = None,
        lock_key: str = "",
    ) -> None:
        self.many_rows = many_rows
        self.lock = lock
        self.names = tuple(_PARAMETER.findall(sql))
        if len(set(self.names)) != len(self.names):
            raise ValueError("a parameter occurs twice")
        self.lock_key = -1 if lock is None else self.names.index(lock_key)
        self.sqlite = _PARAMETER.sub("?", sql)
        numbers = {name: number for number, name in enumerate(self.names, start=1)}
        self.postgresql = _PARAMETER.sub(lambda match: f"${numbers[match[1]]}", sql)

    def write(self, *, guard: bool = False, counted: bool = True, **params: Value) -> Write:
        """This statement with its values. Raises KeyError or TypeError if they do not fit."""
        if len(params) != len(self.names):
            raise TypeError(f"takes {self.names}, got {tuple(params)}")
        return Write(self, tuple([params[name] for name in self.names]), guard, counted)


@dataclass(frozen=True, slots=True)
class Write:
    """One change of the database.

    `guard`: if it changes no row, the writes after it in the group are left out and count as 0. Not
    `counted`: nobody wants to know how many rows it changed, the count is -1 where that makes it
    cheaper.
    """

    statement: Statement
    params: tuple[Value, ...]
    guard: bool = False
    counted: bool = True


class StoppedByGuard(Exception):
    """The guard of a group changed no row, so that nothing of the group was written."""


Group = tuple[Write, ...]
Counts = tuple[int, ...]
