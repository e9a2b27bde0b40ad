"""The instances that run over one database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance as last read. `lives`: it has said so within the time to live of a lease.

    `silent_ms`: since when it has not. `draining`: it takes no lease. `directory_hash`: of the
    directory that is in force there. `write_lag_ms`: for how long its oldest write had waited for
    the database, when it last said that it lives. `old_directory`: another one was pushed, which it
    has not loaded yet, or cannot.
    """

    name: str
    url: str
    lives: bool
    silent_ms: int
    draining: bool
    directory_hash: str
    version: str
    write_lag_ms: int = 0
    old_directory: bool = False


class Instances(Protocol):
    """All instances, as last read."""

    @property
    def own(self) -> str:
        """The name of this instance."""

    def all_instances(self) -> tuple[Instance, ...]:
        """By name, this one included; those that ended long ago are left out."""
