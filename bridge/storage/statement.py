"""SQL that changes rows, written once for both engines."""

from __future__ import annotations

import re
from dataclasses import dataclass

Value = str | int | None

_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")


class Statement:
    """One INSERT, UPDATE or DELETE with `:name` parameters; each parameter occurs once.

    Plain SQL instead of SQLAlchemy's expressions: both engines understand the same upserts.
    Measured: an upsert of a call is 4 to 5 times as fast (`python -m tests.bench.pieces`).
    `many_rows`: it may change so many that it takes milliseconds.
    """

    __slots__ = ("many_rows", "names", "postgresql", "sqlite")

    def __init__(self, sql: str, *, many_rows: bool = False) -> None:
        self.many_rows = many_rows
        self.names = tuple(_PARAMETER.findall(sql))
        if len(set(self.names)) != len(self.names):
            raise ValueError("a parameter occurs twice")
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
