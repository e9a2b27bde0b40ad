"""The rows of a batch that are locked before it is written, where several instances write."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.storage.statement import Group, RowLock


def locks_of(groups: Sequence[Group]) -> list[tuple[RowLock, list[str]]]:
    """By ascending rank, each lock with its keys, sorted.

    Empty where the batch comes to its rows in this order anyway: most have one of each kind.
    """
    keys: dict[RowLock, set[str]] = {}
    highest, in_order = -1, True
    for group in groups:
        for write in group:
            lock = write.statement.lock
            if lock is None:
                continue
            key = str(write.params[write.statement.lock_key])
            known = keys.setdefault(lock, set())
            if key in known:
                continue
            in_order = in_order and not known and lock.rank > highest
            known.add(key)
            highest = max(highest, lock.rank)
    if in_order:
        return []
    return [(lock, sorted(keys[lock])) for lock in sorted(keys, key=lambda x: x.rank)]
