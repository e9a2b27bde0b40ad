"""The rows that the makers of events lock in one order, whatever the order of their events."""

from __future__ import annotations

from bridge.storage.statement import RowLock

NUMBERS = RowLock(
    1,
    "SELECT 1 FROM event_numbers WHERE extension = ANY($1::text[])"
    " ORDER BY extension FOR NO KEY UPDATE",
    make="INSERT INTO event_numbers (extension, last_number)"
    " SELECT x, 0 FROM unnest($1::text[]) AS x ORDER BY x ON CONFLICT (extension) DO NOTHING",
)
"""By extension: the numbers of its events."""

SUBSCRIPTIONS = RowLock(
    2,
    "SELECT 1 FROM event_subscriptions WHERE id = ANY($1::text[]) ORDER BY id FOR NO KEY UPDATE",
)
"""By id: subscriptions, and the receivers of single calls."""
