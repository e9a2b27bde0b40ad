"""Why a directory file is refused: every problem in it, each with its place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """`where` is the path of the value (`organizations[0].extensions[2].caller_id`), empty when the
    file as a whole is meant. `line` counts from 1; 0 when there is none.
    """

    file: str
    line: int
    where: str
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.where}: {self.reason}" if self.where else f"{place}: {self.reason}"


class DirectoryError(Exception):
    """The file is refused as a whole. `str()`: a line per problem, in the order of the file."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems
